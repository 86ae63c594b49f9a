"""Webhooks through the API, on both engines: their fields, what is refused, secrets, and their deliveries."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.adapters.scripted.resolver import ScriptedResolver
from chalicelib.domain.rates import TEST
from chalicelib.domain.webhooks.delivery import DeliveryStatus, WebhookAttempt
from chalicelib.ports.webhook_deliveries import WebhookDeliveries
from chalicelib.services.tenancy.request_signatures import RequestSignatures
from chalicelib.services.webhooks import webhooks as service
from tests.aws_backend import aws_backend, aws_settings
from tests.fakes import NOW
from tests.http_api import ApiWorld, Reply, api_world
from tests.integration.api.test_v2_domains import api
from tests.integration.api.test_v2_management import a_key, places, refused
from tests.webhook_events import a_delivery

__all__ = ["api", "aws_backend", "aws_settings"]

HERE = "acme/app"
URL = "https://app.example/hook"


def make(api: ApiWorld, **fields: Any) -> Reply:
    return api.manage("POST", "/webhooks", {"url": URL, **fields}, HERE)


def made(api: ApiWorld, **fields: Any) -> Any:
    reply = make(api, **fields)
    assert reply.status == 201, reply
    return reply.json


def change(api: ApiWorld, webhook: Any, **fields: Any) -> Reply:
    return api.manage("PATCH", f"/webhooks/{webhook['id']}", fields, HERE)


def added(api: ApiWorld, webhook: Any, *numbers: int, **changes: Any) -> list[Any]:
    some = [
        a_delivery(api.scene.server.id, number, webhook=webhook["id"], **changes)
        for number in numbers
    ]
    bootstrap.run(api.scene.posthorn[WebhookDeliveries].add(some))
    return some


def test_one_is_made_shown_changed_and_deleted(api: ApiWorld) -> None:
    reply = make(api)
    fresh = dict(reply.json)
    at = f"/webhooks/{fresh['id']}"
    assert (reply.status, reply.headers["location"]) == (201, f"/api/v2{at}")
    secret = fresh.pop("secret")
    assert len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) == 32
    key = bootstrap.run(api.scene.posthorn[RequestSignatures].public_key())
    assert len(base64.b64decode(key.removeprefix("whpk_"), validate=True)) == 32
    assert fresh == {
        "id": fresh["id"],
        "uuid": fresh["uuid"],
        "name": "app.example",
        "url": URL,
        "format": "v2",
        "events": None,
        "streams": None,
        "tags": None,
        "retries": "long",
        "timeout": 5,
        "enabled": True,
        "disabled_reason": None,
        "created_at": fresh["created_at"],
        "last_used_at": None,
        "public_key": key,
    }
    assert api.manage("GET", at, tenant=HERE).json == fresh
    assert api.manage("GET", "/webhooks", tenant=HERE).json["data"] == [fresh]
    fields = {
        "name": "other",
        "format": "postal",
        "events": ["email.bounced", "email.opened"],
        "streams": ["news"],
        "tags": ["a", "b"],
        "retries": "postal",
        "timeout": 30,
        "enabled": False,
    }
    wanted = {"name": "news", "type": "broadcast"}
    assert api.manage("POST", "/streams", wanted, tenant=HERE).status == 201
    assert change(api, fresh, **fields).json == fresh | fields
    unknown = change(api, fresh, streams=["news", "none", "broadcast"])
    assert places(unknown) == [("/streams/1", "unknown_reference")]
    assert change(api, fresh, **dict.fromkeys(fields)).json == fresh
    assert api.manage("DELETE", at, tenant=HERE).status == 204
    assert refused(api.manage("GET", at, tenant=HERE)) == (404, "not_found")
    actions = [one["action"] for one in api.manage("GET", "/audit", tenant="acme").json["data"]]
    assert {"webhook.create", "webhook.update", "webhook.delete"} <= set(actions)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"url": "ftp://app.example/"}, ("/url", "invalid")),
        ({"url": "https://127.0.0.1/"}, ("/url", "destination_refused")),
        ({"url": "http://2130706433/"}, ("/url", "destination_refused")),
        ({"url": "https://[::ffff:10.0.0.1]/"}, ("/url", "destination_refused")),
        ({"url": "https://***@app.example/"}, ("/url", "invalid")),
        ({"url": "https://a.example/" + "x" * 2_000}, ("/url", "string_too_long")),
        ({"timeout": 0}, ("/timeout", "greater_than_equal")),
        ({"timeout": 31}, ("/timeout", "less_than_equal")),
        ({"events": ["email.unknown"]}, ("/events/0", "enum")),
        ({"events": []}, ("/events", "too_short")),
        ({"tags": [""]}, ("/tags/0", "string_too_short")),
        ({"streams": ["transactional", "none"]}, ("/streams/1", "unknown_reference")),
        ({"format": "Hash"}, ("/format", "enum")),
        ({"secret": "whsec_AAAA"}, ("/secret", "invalid")),
        ({"secret": "A" * 44}, ("/secret", "invalid")),
        ({"secret": "whsec_" + "A" * 88}, ("/secret", "invalid")),
        ({"secret": "whsec_" + "!" * 44}, ("/secret", "invalid")),
        ({"public_key": "x"}, ("/public_key", "extra_forbidden")),
    ],
)
def test_what_is_wrong_is_named(fields: dict[str, Any], expected: tuple[str, str]) -> None:
    with api_world() as here:
        reply = make(here, **fields)
        assert (reply.status, places(reply)) == (422, [expected])


def test_user_info_is_hidden_and_kept_for_its_place_alone(api: ApiWorld) -> None:
    fresh = made(api, url="https://joe:secret@app.example/hook")
    hidden = "https://***@app.example"
    assert fresh["url"] == f"{hidden}/hook"
    assert change(api, fresh, url=f"{hidden}/other").json["url"] == f"{hidden}/other"
    assert places(change(api, fresh, url="https://***@b.example/")) == [("/url", "invalid")]
    assert change(api, fresh, url="https://b.example/").json["url"] == "https://b.example/"
    assert "joe" not in str(api.manage("GET", "/audit", tenant="acme").json)


def test_a_secret_may_be_given_and_is_rotated(api: ApiWorld) -> None:
    given = "whsec_" + base64.b64encode(b"x" * 24).decode()
    fresh = made(api, secret=given)
    assert fresh["secret"] == given
    rotated = api.manage("POST", f"/webhooks/{fresh['id']}/rotate", tenant=HERE).json
    assert rotated["secret"] not in ("", given)
    assert given not in str(api.manage("GET", "/audit", tenant="acme").json)


def test_a_server_has_at_most_fifty(monkeypatch: pytest.MonkeyPatch, api: ApiWorld) -> None:
    assert service.MOST_OF_A_SERVER == 50
    monkeypatch.setattr(service, "MOST_OF_A_SERVER", 2)
    made(api)
    made(api)
    assert refused(make(api))[0] == 409


def test_a_test_answers_the_attempt_and_has_a_rate(api: ApiWorld) -> None:
    api.scene.posthorn[ScriptedResolver].zone["app.example"] = {"A": ["10.0.0.1"]}
    fresh = made(api)
    at = f"/webhooks/{fresh['id']}/test"
    attempt = api.manage("POST", at, tenant=HERE).json
    assert (attempt["code"], attempt["error"]) == (-4, "Blocked destination")
    (listed,) = api.manage("GET", "/webhook-deliveries", tenant=HERE).json["data"]
    assert (listed["event"], listed["status"]) == ("webhook.test", "failed")
    whole = api.manage("GET", f"/webhook-deliveries/{listed['id']}", tenant=HERE).json
    assert whole["attempts"] == [attempt]
    for _ in range(TEST.quota - 1):
        assert api.manage("POST", at, tenant=HERE).status == 200
    late = api.manage("POST", at, tenant=HERE)
    assert late.status == 429
    assert "retry-after" in late.headers


def test_deliveries_are_listed_narrowed_and_shown_whole(api: ApiWorld) -> None:
    fresh, other = made(api), made(api)
    first, second, third = added(api, fresh, 1, 2, 3)
    attempt = WebhookAttempt(NOW + 0.1, 200, 0.08, "ok")
    over = first.attempted(attempt).ended(DeliveryStatus.DELIVERED)
    assert bootstrap.run(api.scene.posthorn[WebhookDeliveries].replace(first, over))

    def ids(query: str) -> list[str]:
        reply = api.manage("GET", f"/webhook-deliveries?{query}", tenant=HERE)
        assert reply.status == 200, reply
        return [one["id"] for one in reply.json["data"]]

    newest = [third.id, second.id, first.id]
    assert ids("") == newest
    assert ids(f"webhook={fresh['id']}") == newest
    assert ids(f"webhook={other['id']}") == []
    assert ids("status=delivered") == [first.id]
    assert ids(f"email={second.email}") == [second.id]
    assert ids("event=email.delivered&status=waiting") == newest[:2]
    assert ids("event=email.bounced") == []
    page = api.manage("GET", "/webhook-deliveries?limit=2", tenant=HERE).json
    assert (len(page["data"]), page["has_more"]) == (2, True)
    assert ids(f"limit=2&cursor={page['next_cursor']}") == [first.id]
    for wrong in ("event=x", "status=x", "email=0", "since=soon", "cursor=x"):
        reply = api.manage("GET", f"/webhook-deliveries?{wrong}", tenant=HERE)
        assert reply.status == 422, wrong
    shown = api.manage("GET", f"/webhook-deliveries/{first.id}", tenant=HERE).json
    assert shown["payload"] == first.payload.decode()
    assert (shown["event_id"], shown["status"]) == (first.event_id, "delivered")
    assert [one["response"] for one in shown["attempts"]] == ["ok"]


def test_a_replay_is_asked_for_and_waits(api: ApiWorld) -> None:
    fresh = made(api)
    (one,) = added(api, fresh, 1)
    at = f"/webhook-deliveries/{one.id}/replay"
    assert api.manage("POST", at, tenant=HERE).status == 202
    assert refused(api.manage("POST", at, {"url": "https://b.example/"}, HERE))[0] == 409
    refused_url = api.manage("POST", at, {"url": "https://10.0.0.1/"}, HERE)
    assert places(refused_url) == [("/url", "destination_refused")]
    api.manage("DELETE", f"/webhooks/{fresh['id']}", tenant=HERE)
    assert refused(api.manage("POST", at, tenant=HERE))[0] == 409
    unknown = "/webhook-deliveries/wdaaaaaaaaaaaaaaaaaaaa"
    assert refused(api.manage("GET", unknown, tenant=HERE)) == (404, "not_found")


def test_scopes_are_those_of_webhooks(api: ApiWorld) -> None:
    fresh = made(api)
    reading, routing = a_key(api, "webhooks:read"), a_key(api, "routing:write")
    for key, expected in ((reading, 200), (routing, 403)):
        reply = api.manage("GET", "/webhooks", tenant=HERE, key=key)
        assert reply.status == expected
    at = f"/webhooks/{fresh['id']}/rotate"
    assert api.manage("POST", at, tenant=HERE, key=reading).status == 403
