"""GET /api/v2/emails and what hangs on it: pages, filters, one message, its bytes, its log."""

from __future__ import annotations

import base64
import re
from typing import Any
from urllib.parse import urlencode

import pytest

from chalicelib import bootstrap
from chalicelib.domain.ids import make_token, read_token
from chalicelib.domain.reply import Reply as SmtpReply
from chalicelib.ports.egress import TransactionResult
from chalicelib.services.messages.history import MessageHistory
from tests import stores
from tests.http_api import ApiWorld, Reply
from tests.web_client import follow

GOOD = {"from": "app@acme.test", "to": "x@example.com", "text": "Hello"}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def send(api: ApiWorld, **change: Any) -> int:
    reply = api.v2("POST", "/emails", GOOD | change)
    assert reply.status == 202, reply.body
    number: int = reply.json["id"]
    return number


def listed(api: ApiWorld, **query: Any) -> Reply:
    return api.v2("GET", f"/emails?{urlencode(query, doseq=True)}")


def ids(reply: Reply) -> list[int]:
    assert reply.status == 200, reply.body
    return [email["id"] for email in reply.json["data"]]


def test_pages_from_newest_to_oldest(api: ApiWorld) -> None:
    numbers = [send(api) for _ in range(7)]
    found, cursor, pages = [], None, 0
    while True:
        reply = listed(api, limit=3, **({"cursor": cursor} if cursor else {}))
        found += ids(reply)
        cursor, pages = reply.json["next_cursor"], pages + 1
        assert reply.json["has_more"] == (cursor is not None)
        if cursor is None:
            break
    assert found == numbers[::-1]
    assert pages == 3


def test_filters(api: ApiWorld) -> None:
    api.scene.egress.will(
        "bad@example.com", TransactionResult(SmtpReply(550, "5.1.1", "Unknown"), "RCPT")
    )
    api.scene.egress.will(
        "soft@example.com", TransactionResult(SmtpReply(450, "4.2.0", "Later"), "RCPT")
    )
    good, bad, soft = (send(api, to=f"{name}@example.com") for name in ("good", "bad", "soft"))
    bootstrap.run(api.scene.deliver_ready())
    assert ids(listed(api, status="failed")) == [bad]
    assert ids(listed(api, status="queued")) == [soft]
    assert ids(listed(api, status="held")) == []
    assert ids(listed(api, to="GOOD@example.com")) == [good]
    assert ids(listed(api, to="Name <soft@example.com>")) == [soft]
    assert ids(listed(api, direction="incoming")) == []
    assert ids(listed(api, direction="outgoing")) == [soft, bad, good]
    waiting = api.v2("GET", f"/emails/{soft}").json
    assert waiting["status"] == "SoftFail"
    assert TIME.fullmatch(waiting["next_attempt_at"])
    assert waiting["next_attempt_at"] > waiting["last_attempt_at"]
    assert api.v2("GET", f"/emails/{good}").json["next_attempt_at"] is None


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"limit": 0}, "/limit"),
        ({"limit": 101}, "/limit"),
        ({"limit": "x"}, "/limit"),
        ({"limit": [1, 2]}, "/limit"),
        ({"status": "sent"}, "/status"),
        ({"direction": "sideways"}, "/direction"),
        ({"to": "nobody"}, "/to"),
        ({"to": "a@example.com", "status": "held"}, "/status"),
        ({"cursor": "forged"}, "/cursor"),
        ({"offset": 5}, "/offset"),
    ],
)
def test_a_wrong_filter_is_named(api: ApiWorld, query: dict[str, Any], pointer: str) -> None:
    reply = listed(api, **query)
    assert reply.status == 422
    assert [error["pointer"] for error in reply.json["errors"]] == [pointer]


def test_one_message_by_number_and_by_token(api: ApiWorld) -> None:
    number = send(api, subject="Grüße", tag="t")
    email = api.v2("GET", f"/emails/{number}").json
    assert (email["subject"], email["tag"], email["status"], email["from"], email["to"]) == (
        "Grüße",
        "t",
        "Pending",
        "app@acme.test",
        "x@example.com",
    )
    assert TIME.fullmatch(email["received_at"])
    token = email["token"]
    assert api.v2("GET", f"/emails/{token}").json == email
    server, message = read_token(token) or (0, 0)
    assert (server, message) == (api.scene.server.id, number)
    forged = make_token(server, message, b"guessed")
    assert api.v2("GET", f"/emails/{forged}").status == 404


@pytest.mark.parametrize(
    "id", ["0", "999", "-1", "99999999999", "abc", "%2e%2e", "0000000000000000", "٣", "1.0", "1e0"]
)
@pytest.mark.parametrize("below", ["", "/raw", "/deliveries"])
def test_an_unknown_message_is_a_404(api: ApiWorld, id: str, below: str) -> None:
    send(api)
    reply = api.v2("GET", f"/emails/{id}{below}")
    assert (reply.status, reply.json["code"]) == (404, "not_found")


def test_the_bytes_as_text_and_as_binary(api: ApiWorld) -> None:
    plain = send(api, text="Grüße")
    for headers in ({}, {"accept": "image/png"}):
        reply = api.v2("GET", f"/emails/{plain}/raw", **headers)
        assert (reply.status, reply.headers["content-type"]) == (200, "message/rfc822")
        assert reply.body == api.content(plain)
    operation = api.call("GET", "/api/v2/openapi.json").json["paths"]["/api/v2/emails/{id}/raw"]
    assert "whatever Accept says" in operation["get"]["description"]

    raw = b"From: app@acme.test\r\n\r\n\xff\xfe\r\n"
    odd = send_raw(api, raw)
    for accept in ("application/octet-stream", "text/html,application/xml;q=0.9,*/*;q=0.8"):
        reply = api.v2("GET", f"/emails/{odd}/raw", accept=accept)
        assert reply.headers["content-type"] == "application/octet-stream"
        assert reply.body == raw
    # API Gateway looks at the first type alone.
    for accept in ("*/*", "message/rfc822, application/octet-stream"):
        reply = api.v2("GET", f"/emails/{odd}/raw", accept=accept)
        assert (reply.status, reply.headers["cache-control"]) == (303, "no-store")
    reply = api.v2("GET", f"/emails/{odd}/raw", accept="text/html")
    assert (reply.status, reply.json["code"]) == (406, "not_acceptable")
    reply = api.v2("GET", f"/emails/{odd}/raw")
    assert (reply.status, reply.json["code"]) == (406, "not_acceptable")


def send_raw(api: ApiWorld, raw: bytes) -> int:
    value = {"from": "app@acme.test", "to": "x@example.com", "raw": base64.b64encode(raw).decode()}
    number: int = api.v2("POST", "/emails", value).json["id"]
    return number


def followed(api: ApiWorld, number: int) -> bytes:
    """The bytes behind the link that is given in place of too many of them."""
    reply = api.v2("GET", f"/emails/{number}/raw")
    assert (reply.status, reply.body) == (303, b"")
    assert reply.headers["cache-control"] == "no-store"
    return bootstrap.run(follow(api.scene.posthorn, reply.headers["location"]))


def test_bytes_too_many_for_an_answer_are_behind_a_link(api: ApiWorld) -> None:
    raw = b"From: app@acme.test\r\n\r\n" + b"\xff" * 6_000_000
    assert followed(api, send_raw(api, raw)) == raw


def test_the_link_to_bytes_that_are_gone_is_a_404(api: ApiWorld) -> None:
    number = send_raw(api, b"From: app@acme.test\r\n\r\n" + b"x" * 4_500_000)
    record = bootstrap.run(api.scene.posthorn[MessageHistory].record(api.scene.server.id, number))
    stores.purge(api.scene.posthorn, record.message.blob)
    reply = api.v2("GET", f"/emails/{number}/raw")
    assert (reply.status, reply.json["code"]) == (404, "not_found")


def test_nobody_gets_a_link_to_anothers_bytes(api: ApiWorld) -> None:
    number = send_raw(api, b"From: app@acme.test\r\n\r\n" + b"x" * 4_500_000)
    reply = api.v2("GET", f"/emails/{number}/raw", key="wrong")
    assert reply.status == 401
    assert "location" not in reply.headers


def test_version_1_shows_what_fits_an_answer(api: ApiWorld) -> None:
    number = send_raw(api, b"From: app@acme.test\r\n\r\n" + b"x" * 4_500_000)
    shown = api.v1("messages/message", {"id": number, "_expansions": True})
    assert shown["data"]["code"] == "MessageTooLarge"
    shown = api.v1("messages/message", {"id": number, "_expansions": ["status", "details"]})
    assert shown["status"] == "success"


def test_what_grows_on_its_way_is_measured_as_it_travels(api: ApiWorld) -> None:
    grown = b"From: app@acme.test\r\n\r\n" + "ü".encode() * 1_100_000
    assert followed(api, send_raw(api, grown)) == grown
    number = send_raw(api, b"From: app@acme.test\r\n\r\n" + b"x" * 3_000_000)
    assert api.v2("GET", f"/emails/{number}/raw").status == 200
    for expansions, status in ((["raw_message"], "success"), (True, "error")):
        shown = api.v1("messages/message", {"id": number, "_expansions": expansions})
        assert shown["status"] == status


def test_purged_bytes_are_a_404(api: ApiWorld) -> None:
    number = send(api)
    history = api.scene.posthorn[MessageHistory]
    record = bootstrap.run(history.record(api.scene.server.id, number))
    stores.purge(api.scene.posthorn, record.message.blob)
    assert api.v2("GET", f"/emails/{number}/raw").status == 404
    assert api.v2("GET", f"/emails/{number}").status == 200


def test_the_log_oldest_first(api: ApiWorld) -> None:
    api.scene.egress.will(
        "x@example.com", TransactionResult(SmtpReply(450, "4.2.0", "Later"), "RCPT")
    )
    number = send(api)
    assert api.v2("GET", f"/emails/{number}/deliveries").json == {"data": []}
    bootstrap.run(api.scene.play(900))
    first, last = api.v2("GET", f"/emails/{number}/deliveries").json["data"]
    assert (first["status"], first["output"], last["status"]) == (
        "SoftFail",
        "450 4.2.0 Later",
        "Sent",
    )
    assert TIME.fullmatch(first["at"])
    assert last["tls"].startswith("TLSv1.3")
    assert "mx.example.com" in last["remote"]
