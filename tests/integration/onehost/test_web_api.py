"""Both versions of the API from a state folder, by a real HTTP client, who sees what the functions answer."""

from __future__ import annotations

import base64
import http.client
import json
from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.api.v2.gateway_responses import answer_of
from chalicelib.services.messages.history import MessageHistory
from onehost.web.application import LARGEST_BODY
from tests.http_api import ApiWorld, Reply
from tests.integration.onehost.conftest import WebTenant
from tests.patience import PATIENCE
from tests.worlds import Scene

LETTER = {"from": "app@acme.test", "to": "x@example.com", "subject": "Hello", "text": "It works"}


def content(tenant: WebTenant, number: int) -> bytes:
    history = tenant.posthorn[MessageHistory]
    record = bootstrap.run(history.record(tenant.server.id, number))
    found = bootstrap.run(history.content(record))
    assert found is not None
    return found


def test_version_1_sends_and_shows(tenant: WebTenant) -> None:
    sent = tenant.v1(
        "send/message",
        {"to": ["a@example.com", "b@example.com"], "from": "app@acme.test", "plain_body": "Hello"},
    )
    assert sent["status"] == "success"
    numbers = {to: made["id"] for to, made in sent["data"]["messages"].items()}
    assert set(numbers) == {"a@example.com", "b@example.com"}
    shown = tenant.v1("messages/message", {"id": numbers["a@example.com"], "_expansions": True})
    assert shown["data"]["details"]["rcpt_to"] == "a@example.com"
    assert shown["data"]["plain_body"].strip() == "Hello"
    raw = base64.b64encode(b"From: app@acme.test\r\nSubject: Raw\r\n\r\nRaw\r\n").decode()
    told = tenant.v1(
        "send/raw", {"rcpt_to": ["c@example.com"], "mail_from": "app@acme.test", "data": raw}
    )
    number = told["data"]["messages"]["c@example.com"]["id"]
    assert tenant.v1("messages/deliveries", {"id": number})["data"] == []
    assert tenant.v1("messages/message", {"id": 0})["data"]["code"] == "MessageNotFound"


def test_version_2_sends_shows_and_lists(tenant: WebTenant) -> None:
    sent = tenant.v2("POST", "/emails", LETTER)
    assert sent.status == 202
    number = sent.json["id"]
    shown = tenant.v2("GET", f"/emails/{number}")
    assert (shown.status, shown.json["subject"]) == (200, "Hello")
    assert [one["id"] for one in tenant.v2("GET", "/emails?limit=1").json["data"]] == [number]
    assert tenant.v2("GET", f"/emails/{number}/deliveries").status == 200
    raw = tenant.v2("GET", f"/emails/{number}/raw")
    assert (raw.headers["content-type"], raw.body) == ("message/rfc822", content(tenant, number))
    assert tenant.v2("GET", "/statistics").status == 200
    batch = tenant.v2("POST", "/emails/batch", [LETTER, {**LETTER, "from": "x@elsewhere.test"}])
    assert batch.status == 200
    assert tenant.call("GET", "/api/v2/openapi.json").json["openapi"].startswith("3.")


def test_the_same_answer_comes_again_for_the_same_idempotency_key(tenant: WebTenant) -> None:
    first = tenant.v2("POST", "/emails", LETTER, idempotency_key="one")
    again = tenant.v2("POST", "/emails", LETTER, idempotency_key="one")
    assert first.json == again.json
    assert len(tenant.v2("GET", "/emails").json["data"]) == 1


def test_a_message_that_is_no_text_comes_as_binary(tenant: WebTenant) -> None:
    raw = b"From: app@acme.test\r\nSubject: \xff\r\n\r\n\x80\xff\r\n"
    encoded = base64.b64encode(raw).decode()
    told = tenant.v1(
        "send/raw", {"rcpt_to": ["c@example.com"], "mail_from": "app@acme.test", "data": encoded}
    )
    number = told["data"]["messages"]["c@example.com"]["id"]
    assert tenant.v2("GET", f"/emails/{number}/raw").status == 406
    answer = tenant.v2("GET", f"/emails/{number}/raw", accept="application/octet-stream")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/octet-stream")
    assert answer.body == content(tenant, number)


def test_the_client_s_address_is_what_our_proxy_says(tenant: WebTenant) -> None:
    sent = tenant.v2("POST", "/emails", LETTER, x_forwarded_for="1.2.3.4, ::ffff:203.0.113.5")
    assert b"(203.0.113.5 [203.0.113.5])" in content(tenant, sent.json["id"])


VOLATILE = {"date", "x-amzn-requestid", "content-length", "connection", "server"}


def seen(reply: Reply) -> tuple[int, dict[str, str], Any]:
    """What a client sees, but for what differs from request to request."""
    fields = {name: text for name, text in reply.headers.items() if name not in VOLATILE}
    body: Any = reply.body
    if body and "json" in fields["content-type"]:
        body = {
            name: text
            for name, text in reply.json.items()
            if name not in {"time", "request_id", "instance"}
        }
    return reply.status, fields, body


KEYS: dict[str, Any] = {"x-server-api-key": "", "authorization": "Bearer "}


@pytest.mark.parametrize(
    ("method", "target", "body", "headers"),
    [
        ("POST", "/api/v1/send/message", b"{}", {"content-type": "application/json", **KEYS}),
        ("POST", "/api/v1/send/message", b"{", {"content-type": "application/json", **KEYS}),
        ("POST", "/api/v1/send/message", b"{}", {"content-type": "application/json"}),
        ("POST", "/api/v1/send/message", b"params=%7B%7D", {"content-type": "a/b", **KEYS}),
        ("GET", "/api/v1/messages/message?params=%7B%22id%22%3A+0%7D", None, KEYS),
        ("GET", "/api/v1/messages/message/", None, KEYS),
        ("DELETE", "/api/v1/send/message", None, KEYS),
        ("HEAD", "/api/v1/send/message", None, KEYS),
        ("GET", "/api/v1/nothing/here", None, {}),
        ("GET", "/api/v2/emails", None, KEYS),
        ("GET", "/api/v2/emails", None, {}),
        ("GET", "/api/v2/emails?limit=0&limit=5&x=", None, KEYS),
        ("GET", "/api/v2/emails/99", None, KEYS),
        ("GET", "/api/v2/emails/%35", None, KEYS),
        ("PATCH", "/api/v2/emails", None, KEYS),
        ("HEAD", "/api/v2/emails", None, KEYS),
        ("GET", "/api/v2/nothing", None, {}),
        ("POST", "/api/v2/emails", b"{}", {"content-type": "text/plain", **KEYS}),
        ("POST", "/api/v2/emails", b"[" * 100_000, {"content-type": "application/json", **KEYS}),
        ("POST", "/api/v2/emails", b"{}", {"content-type": "application/json", **KEYS}),
        ("GET", "/api/v2/openapi.json", None, {}),
    ],
)
def test_clients_see_what_the_functions_answer(
    tenant: WebTenant, method: str, target: str, body: bytes | None, headers: dict[str, str]
) -> None:
    sent = {name: text + tenant.api_key if name in KEYS else text for name, text in headers.items()}
    ours = tenant.call(method, target, body, sent)
    assert "x-amzn-requestid" in ours.headers
    assert "server" not in ours.headers
    bootstrap.use(tenant.posthorn)
    try:
        function = ApiWorld(Scene(tenant.posthorn, *[None] * 4, "", ""))  # type: ignore[arg-type]  # only asked
        theirs = function.call(method, target, body, sent)
    finally:
        bootstrap.use(None)
    if method == "HEAD":
        assert (ours.status, ours.body) == (theirs.status, b"")
        return
    assert seen(ours) == seen(theirs)


@pytest.mark.parametrize("target", ["/nothing", "/api", "/api/v1/x", "/_local/inbox", "//", "*"])
@pytest.mark.parametrize("method", ["GET", "POST", "TRACE"])
def test_what_has_no_route_is_api_gateway_s_404(
    tenant: WebTenant, method: str, target: str
) -> None:
    answer = tenant.call(method, target, None, {"authorization": "Bearer secret"})
    said = answer_of("MISSING_AUTHENTICATION_TOKEN").body_for(answer.headers["x-amzn-requestid"])
    assert (answer.status, answer.json) == (404, json.loads(said))
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_body_is_read_as_far_as_the_limit(tenant: WebTenant) -> None:
    headers = {"content-type": "application/json", "x-server-api-key": tenant.api_key}
    fits = b'{"id": 0}'.ljust(LARGEST_BODY)
    assert tenant.call("POST", "/api/v1/messages/message", fits, headers).status == 200
    for size, kind in ((LARGEST_BODY + 1, "application/json"), (5_000_000, "image/png")):
        answer = tenant.call(
            "POST", "/api/v1/messages/message", b"x" * size, {**headers, "content-type": kind}
        )
        assert answer.status == 413
        assert "POST /api/v2/uploads" in answer.json["detail"]
        assert answer.headers["connection"] == "close"
    client = http.client.HTTPConnection("127.0.0.1", tenant.port, timeout=PATIENCE)
    pieces = iter([b"x" * 65_536] * 200)
    client.request("POST", "/api/v1/messages/message", pieces, headers, encode_chunked=True)
    assert client.getresponse().status == 413
    client.close()


def test_an_unexpected_error_is_a_500_without_details(
    tenant: WebTenant, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(tenant.posthorn[MessageHistory], "page", broken)
    monkeypatch.setattr(tenant.posthorn[MessageHistory], "record", broken)
    for answer, kind in (
        (tenant.v2("GET", "/emails"), "application/problem+json"),
        (
            tenant.call(
                "POST",
                "/api/v1/messages/message",
                b'{"id": 1}',
                {"content-type": "application/json", "x-server-api-key": tenant.api_key},
            ),
            "text/html",
        ),
    ):
        assert answer.status == 500
        assert answer.headers["content-type"].startswith(kind)
        assert b"secret" not in answer.body
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(one["unit"], one["error"], one["status"]) for one in lines] == [
        ("v2.listEmails", "ZeroDivisionError", 500),
        ("v1.messages.message", "ZeroDivisionError", 500),
    ]


def test_one_log_line_a_request(tenant: WebTenant, capsys: pytest.CaptureFixture[str]) -> None:
    tenant.v2("GET", "/emails")
    tenant.call("GET", "/nothing")
    tenant.call("GET", "/b/nothing")
    tenant.call("GET", "/img/nothing")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    units = [(one["unit"], one["status"]) for one in lines if "status" in one]
    assert units == [("v2.listEmails", 200), ("page", 404), ("web.body", 404), ("tracking", 404)]
    assert "127.0.0.1" not in json.dumps(lines)
