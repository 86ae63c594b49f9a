"""Each endpoint, with another tenant's key: nothing of the first tenant is seen, changed or even confirmed to exist."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

import pytest

from chalicelib import bootstrap
from chalicelib.api.v1.routes import ACTIONS
from chalicelib.api.v2.routes import ROUTES
from chalicelib.domain.statistics import Addition, Count, slots_of
from chalicelib.domain.tenancy.credentials import CredentialKind
from chalicelib.domain.tenancy.scopes import OF_A_SERVER_KEY
from chalicelib.ports.statistics import Statistics
from chalicelib.services.tenancy.credentials import CredentialOptions, Credentials
from chalicelib.services.tenancy.organizations import Organizations
from chalicelib.services.tenancy.servers import Servers
from tests.http_api import ApiWorld, Reply, api_world

GOOD = {
    "from": "app@acme.test",
    "to": "x@example.com",
    "subject": "secret-of-acme",
    "text": "Hello",
}


@dataclass
class Two:
    """A world with a message of the first tenant, and another tenant's key."""

    api: ApiWorld
    number: int
    token: str
    other_key: str

    def as_other(self, method: str, path: str, value: object = None) -> Reply:
        return self.api.v2(method, path, value, key=self.other_key)


@pytest.fixture
def two() -> Iterator[Two]:
    with api_world() as api:
        organization = bootstrap.run(api.scene.posthorn[Organizations].create("Other"))
        server = bootstrap.run(api.scene.posthorn[Servers].create(organization, "Other"))
        may = CredentialOptions(scopes=(*OF_A_SERVER_KEY, "emails:write"))
        _, key = bootstrap.run(
            api.scene.posthorn[Credentials].create(server, CredentialKind.API, "api", may)
        )
        made = api.v2("POST", "/emails", GOOD).json["emails"][0]
        yield Two(api, made["id"], made["token"], key)


def test_every_endpoint_is_covered() -> None:
    assert {(route.method, route.path) for route in ROUTES if not route.is_public} == {
        ("POST", "/api/v2/emails"),
        ("POST", "/api/v2/emails/batch"),
        ("GET", "/api/v2/emails"),
        ("GET", "/api/v2/emails/{id}"),
        ("PATCH", "/api/v2/emails/{id}"),
        ("POST", "/api/v2/emails/test"),
        ("GET", "/api/v2/emails/{id}/raw"),
        ("GET", "/api/v2/emails/{id}/deliveries"),
        ("POST", "/api/v2/uploads"),
        ("GET", "/api/v2/statistics"),
    }
    assert len(ACTIONS) == 4


@pytest.mark.parametrize("below", ["", "/raw", "/deliveries"])
def test_a_message_of_another_tenant_is_like_none(two: Two, below: str) -> None:
    unknown = two.as_other("GET", f"/emails/424242{below}").json
    for name in (two.number, two.token):
        reply = two.as_other("GET", f"/emails/{name}{below}")
        assert reply.status == 404
        assert (reply.json["code"], reply.json["detail"]) == (unknown["code"], unknown["detail"])
        assert two.api.v2("GET", f"/emails/{name}{below}").status == 200


def test_a_message_of_another_tenant_is_not_given_another_time(two: Two) -> None:
    later = {"scheduled_at": "2099-01-01T00:00:00Z"}
    unknown = two.as_other("PATCH", "/emails/424242", later).json
    for name in (two.number, two.token):
        reply = two.as_other("PATCH", f"/emails/{name}", later)
        assert (reply.status, reply.json["detail"]) == (404, unknown["detail"])


@pytest.mark.parametrize("action", ["messages/message", "messages/deliveries"])
def test_v1_finds_nothing_of_another_tenant(two: Two, action: str) -> None:
    envelope = two.api.v1(action, {"id": two.number, "_expansions": True}, key=two.other_key)
    assert envelope["data"]["code"] == "MessageNotFound"


def test_lists_are_of_one_tenant(two: Two) -> None:
    for query in ("", "?to=x@example.com", "?status=queued"):
        assert two.as_other("GET", f"/emails{query}").json["data"] == []


def test_statistics_are_of_one_tenant(two: Two) -> None:
    now = two.api.scene.clock.now()
    added = [Addition("1", {Count.OUTGOING: 7})]
    for slot in slots_of(two.api.scene.server.id, now):
        bootstrap.run(two.api.scene.posthorn[Statistics].add("a", slot, added))
    assert two.api.v2("GET", "/statistics").json["totals"]["outgoing"] == 7
    assert set(two.as_other("GET", "/statistics").json["totals"].values()) == {0}
    own = two.api.scene.server.id
    assert two.as_other("GET", f"/statistics?server={own}").status == 422


def test_a_cursor_of_another_tenant_is_refused(two: Two) -> None:
    for _ in range(3):
        assert two.api.v2("POST", "/emails", GOOD).status == 202
    for filters in ("", "&to=x@example.com"):
        cursor = two.api.v2("GET", f"/emails?limit=1{filters}").json["next_cursor"]
        assert cursor is not None
        reply = two.as_other("GET", f"/emails?limit=1&cursor={quote(cursor)}{filters}")
        assert reply.status == 422
        assert b"secret-of-acme" not in reply.body


def test_a_cursor_cannot_be_edited(two: Two) -> None:
    for _ in range(3):
        assert two.api.v2("POST", "/emails", GOOD).status == 202
    cursor = two.api.v2("GET", "/emails?limit=1").json["next_cursor"]
    for at in range(0, len(cursor), max(1, len(cursor) // 12)):
        changed = cursor[:at] + ("A" if cursor[at] != "A" else "B") + cursor[at + 1 :]
        reply = two.as_other("GET", f"/emails?cursor={quote(changed)}")
        assert reply.status == 422 or reply.json["data"] == []


def test_a_domain_of_another_tenant_cannot_be_sent_from(two: Two) -> None:
    assert two.as_other("POST", "/emails", GOOD).status == 403
    results = two.as_other("POST", "/emails/batch", [GOOD]).json["data"]
    assert [result["status"] for result in results] == [403]
    envelope = two.api.v1(
        "send/message",
        {"from": "app@acme.test", "to": "x@example.com", "plain_body": "x"},
        key=two.other_key,
    )
    assert envelope["data"]["code"] == "UnauthenticatedFromAddress"


def test_an_smtp_key_opens_nothing_here(two: Two) -> None:
    for method, path in (("GET", "/emails"), ("POST", "/emails"), ("POST", "/uploads")):
        assert two.api.v2(method, path, key=two.api.scene.smtp_key).status == 401
