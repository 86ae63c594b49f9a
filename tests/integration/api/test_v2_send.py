"""POST /api/v2/emails: what is accepted, what is built, and how errors name every wrong field."""

from __future__ import annotations

import base64
from dataclasses import replace
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.config import Settings
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.tenancy.servers import SERVERS
from chalicelib.ports.intake import Intake
from chalicelib.ports.repository import Repository
from chalicelib.services.outgoing.authorise_sender import NOT_AUTHORISED
from tests.http_api import ApiWorld, Reply, api_world

GOOD = {"from": "App <app@acme.test>", "to": "john@example.com", "subject": "Hi", "text": "Hello"}


def post(api: ApiWorld, value: Any = None, **headers: str) -> Reply:
    return api.v2("POST", "/emails", GOOD if value is None else value, **headers)


def parsed(content: bytes) -> EmailMessage:
    message = BytesParser(policy=policy.default).parsebytes(content)
    assert isinstance(message, EmailMessage)
    return message


def pointers(reply: Reply) -> dict[str, str]:
    assert reply.status == 422, reply
    assert reply.headers["content-type"] == "application/problem+json"
    return {error["pointer"]: error["code"] for error in reply.json["errors"]}


def test_a_message_is_accepted(api: ApiWorld) -> None:
    reply = post(
        api, GOOD | {"to": ["john@example.com", "Jane <jane@example.com>"], "bcc": "j@x.test"}
    )
    assert reply.status == 202
    assert reply.headers["content-type"] == "application/json"
    emails = reply.json["emails"]
    assert [email["to"] for email in emails] == ["john@example.com", "jane@example.com", "j@x.test"]
    assert reply.json["id"] == emails[0]["id"]
    content = api.content(reply.json["id"])
    assert f"Message-ID: <{reply.json['message_id']}>".encode() in content
    assert b"j@x.test" not in content


def test_the_built_message_with_an_inline_picture(api: ApiWorld) -> None:
    picture = base64.b64encode(b"\x89PNG").decode()
    reply = post(
        api,
        GOOD
        | {
            "html": '<img src="cid:logo@acme">',
            "reply_to": ["a@acme.test", "B <b@acme.test>"],
            "cc": ["carl@example.com"],
            "sender": "robot@acme.test",
            "headers": {"X-Entity": "5", "List-Unsubscribe": "<https://acme.test/u>"},
            "attachments": [
                {
                    "filename": "logo.png",
                    "content": picture,
                    "content_type": "image/png",
                    "content_id": "logo@acme",
                },
                {"filename": "naïve résumé.pdf", "content": picture},
            ],
            "tags": [{"name": "category", "value": "welcome"}],
        },
    )
    assert reply.status == 202, reply.body
    message = parsed(api.content(reply.json["id"]))
    assert message["reply-to"] == "a@acme.test, B <b@acme.test>"
    assert (message["cc"], message["sender"], message["x-entity"]) == (
        "carl@example.com",
        "robot@acme.test",
        "5",
    )
    alternative, attached = message.iter_parts()
    assert attached.get_filename() == "naïve résumé.pdf"
    text, related = alternative.iter_parts()
    assert text.get_content() == "Hello"
    page, logo = related.iter_parts()
    assert page.get_content() == '<img src="cid:logo@acme">'
    assert (logo["content-id"], logo.get_content_disposition(), logo.get_content()) == (
        "<logo@acme>",
        "inline",
        b"\x89PNG",
    )
    shown = api.v2("GET", f"/emails/{reply.json['id']}").json
    assert shown["tag"] == "welcome"


def test_a_finished_message_is_sent_byte_for_byte(api: ApiWorld) -> None:
    raw = b"From: app@acme.test\r\nSubject: \xe4\r\n\r\nodd   bytes \x80\r\n"
    value = {"from": "app@acme.test", "to": "x@example.com", "raw": base64.b64encode(raw).decode()}
    reply = post(api, value)
    assert reply.status == 202, reply.body
    assert reply.json["message_id"] is None
    assert api.content(reply.json["id"]) == raw


@pytest.mark.parametrize(
    ("name", "text", "beside"),
    [
        ("Message-ID", "<mine@acme.test>", {}),
        ("message-id", "<mine@acme.test>", {}),
        ("Bcc", "secret@example.com", {}),
        ("Resent-Bcc", "secret@example.com", {}),
        ("Date", "yesterday", {}),
        ("To", "other@example.com", {}),
        ("Subject", "Other", {"subject": "One"}),
        ("Subject", "Other", {"subject": ""}),
        ("Cc", "other@example.com", {"cc": "c@example.com"}),
        ("Reply-To", "other@example.com", {"reply_to": ["r@example.com"]}),
        ("Sender", "app@acme.test", {"sender": "app@acme.test"}),
    ],
)
def test_a_header_that_would_not_be_sent_is_refused(
    api: ApiWorld, name: str, text: str, beside: dict[str, Any]
) -> None:
    value = {"from": "app@acme.test", "to": "x@example.com", "text": "x", "headers": {name: text}}
    reply = post(api, value | beside)
    assert reply.status == 422
    assert [error["pointer"] for error in reply.json["errors"]] == [f"/headers/{name}"]
    assert api.count() == 0


def test_headers_that_no_field_sets_are_sent(api: ApiWorld) -> None:
    headers = {
        "Subject": "Mine",
        "Date": "Mon, 1 Jan 2024 10:00:00 +0100",
        "Reply-To": "r@example.com",
        "To": "undisclosed-recipients:;",
    }
    value = {"from": "app@acme.test", "bcc": "x@example.com", "text": "x", "headers": headers}
    reply = post(api, value | {"subject": None, "reply_to": []})
    assert reply.status == 202, reply.body
    content = api.content(reply.json["id"])
    for name, text in headers.items():
        assert f"\r\n{name}: {text}\r\n".encode() in content


def test_every_wrong_field_is_named(api: ApiWorld) -> None:
    reply = post(
        api,
        {
            "from": "nobody",
            "to": ["x@example.com", "no address", 5],
            "cc": "a@b@c",
            "subject": "a\r\nBcc: x@y",
            "html": 5,
            "headers": {"From": "x@y.z", "X A": "1", "X-B": "a\nb", "Content-Type": "x"},
            "attachments": [
                {"filename": "a\r\nb", "content": "!"},
                {"filename": "ok", "content": "eA==", "upload": "u"},
                {"content_type": "nonsense"},
            ],
            "tag": "",
            "raw": "###",
            "x-unknown": 1,
        },
    )
    problem = reply.json
    assert set(problem) == {
        "type",
        "title",
        "status",
        "detail",
        "instance",
        "code",
        "request_id",
        "errors",
    }
    assert (problem["status"], problem["code"], problem["instance"]) == (
        422,
        "invalid_request",
        "/api/v2/emails",
    )
    assert problem["request_id"]
    wrong = pointers(reply)
    assert {pointer: wrong.get(pointer) for pointer in EVERY_WRONG} == EVERY_WRONG
    assert api.count() == 0


EVERY_WRONG = {
    "/from": "address",
    "/to/1": "address",
    "/to/2": "string_type",
    "/cc/0": "address",
    "/subject": "line",
    "/html": "string_type",
    "/headers/From": "header_name",
    "/headers/X A": "header_name",
    "/headers/X-B": "header_value",
    "/headers/Content-Type": "header_name",
    "/attachments/0/filename": "line",
    "/attachments/0/content": "base64",
    "/attachments/1/content": "missing",
    "/attachments/2/filename": "missing",
    "/attachments/2/content_type": "content_type",
    "/attachments/2/content": "missing",
    "/tag": "too_short",
    "/raw": "base64",
    "/x-unknown": "extra_forbidden",
}


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"to": []}, "/to", "missing"),
        ({"to": None, "cc": []}, "/to", "missing"),
        ({"to": [None]}, "/to/0", "string_type"),
        ({"text": "  "}, "/text", "missing"),
        ({"from": None}, "/from", "string_type"),
        ({"nothing": None}, "/nothing", "extra_forbidden"),
        ({"tag": "a", "tags": [{"name": "a", "value": "b"}]}, "/tags", "not_with_tag"),
        ({"raw": "eA=="}, "/text", "not_with_raw"),
        ({"raw": "eA==", "raw_upload": "abc"}, "/raw_upload", "not_with_raw"),
        ({"to": [f"a{n}@example.com" for n in range(51)]}, "/to", "too_long"),
        ({"headers": {"X-A": "b" * 9_000}}, "/headers/X-A", "header_value"),
        ({"headers": {"X-A~/b": "\x00"}}, "/headers/X-A~0~1b", "header_value"),
        ({"headers": {"Date": "x", "date": "y"}}, "/headers/date", "header_name"),
        (
            {"attachments": [{"filename": "a", "content": "", "content_id": "x"}]},
            "/attachments/0/content_id",
            "not_without_html",
        ),
        ({"raw": None, "raw_upload": "../../etc/passwd"}, "/raw_upload", "string_pattern_mismatch"),
    ],
)
def test_one_wrong_field(api: ApiWorld, change: dict[str, Any], pointer: str, code: str) -> None:
    assert pointers(post(api, GOOD | change))[pointer] == code


NULLS = ("cc", "bcc", "reply_to", "sender", "subject", "html", "headers", "attachments", "tags")


@pytest.mark.parametrize("name", [*NULLS, "tag", "raw", "raw_upload"])
def test_null_is_a_field_left_out(api: ApiWorld, name: str) -> None:
    without = {field: value for field, value in GOOD.items() if field != name}
    reply = post(api, without | {name: None})
    assert reply.status == 202, reply.body


def test_null_is_a_field_left_out_of_an_attachment_too(api: ApiWorld) -> None:
    nulls = {"upload": None, "content_type": None, "content_id": None}
    reply = post(api, GOOD | {"attachments": [{"filename": "a", "content": "eA=="} | nulls]})
    assert reply.status == 202, reply.body
    assert b"Content-Type: application/octet-stream" in api.content(reply.json["id"])


def test_a_sender_that_is_not_authorised_is_a_403(api: ApiWorld) -> None:
    reply = post(api, GOOD | {"from": "app@other.test"})
    assert (reply.status, reply.json["code"]) == (403, "sender_refused")
    assert reply.json["detail"] == NOT_AUTHORISED


def test_a_domain_that_is_not_verified_yet_is_named(api: ApiWorld) -> None:
    api.manage("POST", "/domains", {"name": "new.test"}, "acme/app")
    api.manage("POST", "/domains", {"name": "shared.test"}, "acme")
    for domain in ("new.test", "shared.test"):
        author = f"app@{domain}"
        reply = post(api, GOOD | {"from": author})
        assert reply.json["detail"] == f"{NOT_AUTHORISED}: the domain {domain} is not verified"
        assert reply.json["code"] == "sender_refused"
        old = {"to": ["john@example.com"], "from": author, "plain_body": "Hello"}
        assert api.v1("send/message", old)["data"]["message"] == NOT_AUTHORISED
    assert "errors" not in reply.json


def test_authentication(api: ApiWorld) -> None:
    for authorization in (
        "",
        "Bearer ",
        "Bearer wrong",
        "Basic abc",
        f"Bearer {api.scene.smtp_key}",
    ):
        reply = post(api, authorization=authorization)
        assert (reply.status, reply.json["code"]) == (401, "unauthenticated")
        assert reply.headers["www-authenticate"].startswith("Bearer")
    key = api.scene.api_key
    assert post(api, authorization=f"bearer {key}").status == 202
    assert post(api, authorization="", x_server_api_key=key).status == 202


def test_a_suspended_server_is_a_403(api: ApiWorld) -> None:
    scene = api.scene
    suspended = replace(scene.server, suspended_at=int(scene.clock.now()))
    bootstrap.run(scene.posthorn[Repository].replace(SERVERS, suspended))
    reply = post(api)
    assert (reply.status, reply.json["code"]) == (403, "server_suspended")


@pytest.mark.parametrize("body", [b"", b"{", b'{"from": NaN'])
def test_a_body_that_is_no_json_is_a_400(api: ApiWorld, body: bytes) -> None:
    reply = post(api, body)
    assert (reply.status, reply.json["code"]) == (400, "malformed_request")


def test_a_body_that_is_no_object_is_a_422(api: ApiWorld) -> None:
    assert pointers(post(api, [GOOD])) == {"": "type"}


def test_another_content_type_is_a_415(api: ApiWorld) -> None:
    reply = post(api, content_type="text/plain")
    assert (reply.status, reply.json["code"]) == (415, "unsupported_media_type")


def test_too_large_is_a_413() -> None:
    content = base64.b64encode(b"x" * 80_000).decode()
    with api_world(Settings(max_message_size=100_000)) as api:
        reply = post(api, GOOD | {"attachments": [{"filename": "a", "content": content}]})
        assert (reply.status, reply.json["code"]) == (413, "content_too_large")
        assert api.count() == 0


def test_a_failing_store_is_a_503_to_be_repeated(
    api: ApiWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: Any) -> None:
        raise TemporaryFailure("Storage is away")

    monkeypatch.setattr(api.scene.posthorn[Intake], "store", away)
    reply = post(api)
    assert (reply.status, reply.json["code"]) == (503, "temporary_failure")
    assert int(reply.headers["retry-after"]) > 0


def test_an_unexpected_error_is_a_500_problem(
    api: ApiWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: Any) -> None:
        raise KeyError("secret detail")

    monkeypatch.setattr(api.scene.posthorn[Intake], "store", broken)
    reply = post(api)
    assert (reply.status, reply.headers["content-type"]) == (500, "application/problem+json")
    assert b"secret" not in reply.body


def test_other_methods_are_a_405(api: ApiWorld) -> None:
    reply = api.v2("DELETE", "/emails")
    assert (reply.status, reply.headers["allow"]) == (405, "GET, POST")
    assert reply.json["code"] == "method_not_allowed"
