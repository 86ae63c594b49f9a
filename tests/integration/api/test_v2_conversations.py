"""GET /api/v2/emails/{id}/deliveries/{delivery}/conversation: what was said, for as long as content is kept."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.domain.durations import DAY
from chalicelib.domain.reply import Reply as SmtpReply
from chalicelib.ports.egress import TransactionResult
from chalicelib.services.retention.retain import Retain
from tests.http_api import ApiWorld, Reply

GOOD = {"from": "app@acme.test", "subject": "secret plans", "text": "Hello"}


def sent(api: ApiWorld, to: str = "x@example.com") -> tuple[int, list[dict[str, Any]]]:
    """A message after an attempt, and its deliveries."""
    number: int = api.v2("POST", "/emails", GOOD | {"to": to}).json["id"]
    bootstrap.run(api.scene.deliver_ready())
    return number, api.v2("GET", f"/emails/{number}/deliveries").json["data"]


def said(api: ApiWorld, number: object, delivery: object) -> Reply:
    return api.v2("GET", f"/emails/{number}/deliveries/{delivery}/conversation")


def test_an_attempt_tells_what_was_said_without_content(api: ApiWorld) -> None:
    refusal = TransactionResult(SmtpReply(550, "5.1.1", "No such user\nhere"), "RCPT")
    api.scene.egress.will("bad@example.com", refusal)
    for to, last in (("x@example.com", "250 2.0.0 OK"), ("bad@example.com", "550 5.1.1 here")):
        number, (delivery,) = sent(api, to)
        reply = said(api, number, delivery["id"])
        assert reply.status == 200, reply.body
        found = reply.json
        assert {one["from"] for one in found["data"]} == {"us", "them"}
        assert found["data"][0]["text"].startswith("MAIL FROM:<")
        assert f"RCPT TO:<{to}>" in [one["text"] for one in found["data"]]
        assert found["data"][-1]["text"] == last
        assert all(one["ms"] >= 0 for one in found["data"])
        assert delivery["remote"] == f"{found['address']}:25 ({found['host']})"
        assert (found["source"], found["tls"]) == (delivery["source"], delivery["tls"])
        assert found["truncated"] is False
        assert b"secret plans" not in reply.body
        assert b"Hello" not in reply.body


def test_where_nothing_was_said_nothing_is_found(api: ApiWorld) -> None:
    number = api.v2("POST", "/emails", GOOD | {"to": "x@example.com"}).json["id"]
    at = f"/emails/{number}/hold"
    assert api.manage("POST", at, None, api.scene.server.full_name).status == 200
    (held,) = api.v2("GET", f"/emails/{number}/deliveries").json["data"]
    other, (another,) = sent(api)
    assert said(api, number, held["id"]).status == 404
    assert said(api, other, another["id"]).status == 200
    for name in (another["id"] + 1, 0, "x", "9" * 40, "-1"):
        assert said(api, other, name).status == 404
    assert said(api, number, another["id"]).status == 404
    assert said(api, 424242, another["id"]).status == 404


def test_it_goes_with_the_content(api: ApiWorld) -> None:
    number, (delivery,) = sent(api)
    api.scene.clock.advance(29 * DAY)
    bootstrap.run(api.scene.posthorn[Retain].run())
    assert said(api, number, delivery["id"]).status == 200
    api.scene.clock.advance(2 * DAY)
    bootstrap.run(api.scene.posthorn[Retain].run())
    assert said(api, number, delivery["id"]).status == 404
    assert api.v2("GET", f"/emails/{number}/deliveries").json["data"] == [delivery]


@pytest.mark.parametrize("scopes", [["emails:send"], ["statistics:read"]])
def test_it_needs_the_scope_of_messages(api: ApiWorld, scopes: list[str]) -> None:
    number, (delivery,) = sent(api)
    made = {"kind": "API", "name": "n", "scopes": scopes}
    key = api.manage("POST", "/credentials", made, api.scene.server.full_name).json["key"]
    reply = api.v2("GET", f"/emails/{number}/deliveries/{delivery['id']}/conversation", key=key)
    assert reply.status == 403
