"""send/raw as contract section 2.3 has it."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.services.messages.history import MessageHistory
from tests.http_api import ApiWorld

RAW = (
    b"From: App <app@acme.test>\r\nTo: x@example.com\r\nSubject: Raw\r\nMessage-ID: <raw@acme.test>\r\n"
    b"X-Postal-Tag: fromheader\r\n\r\nBody \xff bytes\r\n"
)


def raw(content: bytes = RAW, **parameters: Any) -> dict[str, Any]:
    good = {"rcpt_to": ["x@example.com"], "mail_from": "bounce@acme.test"}
    return good | {"data": base64.b64encode(content).decode()} | parameters


def test_the_message_is_stored_byte_for_byte(api: ApiWorld) -> None:
    data = api.v1("send/raw", raw(rcpt_to=["X@Example.com", "y@example.com", "X@Example.com"]))[
        "data"
    ]
    assert data["message_id"] == "raw@acme.test"
    assert list(data["messages"]) == ["X@Example.com", "y@example.com"]
    number = data["messages"]["X@Example.com"]["id"]
    assert api.content(number) == RAW
    message = bootstrap.run(
        api.scene.posthorn[MessageHistory].record(api.scene.server.id, number)
    ).message
    assert (message.mail_from, message.tag) == ("bounce@acme.test", "fromheader")


def test_base64_in_lines_and_unix_newlines_are_taken(api: ApiWorld) -> None:
    unix = RAW.replace(b"\r\n", b"\n")
    text = base64.encodebytes(unix).decode().replace("\n", "\r\n \t")
    data = api.v1("send/raw", raw(data=text))["data"]
    assert api.content(data["messages"]["x@example.com"]["id"]) == RAW


def test_no_recipients_and_no_message_id(api: ApiWorld) -> None:
    assert api.v1("send/raw", raw(rcpt_to=[]))["data"] == {"message_id": None, "messages": {}}
    without = RAW.replace(b"Message-ID: <raw@acme.test>\r\n", b"")
    data = api.v1("send/raw", raw(without))["data"]
    assert data["message_id"] is None
    assert len(data["messages"]) == 1


@pytest.mark.parametrize(
    ("parameters", "missing"),
    [
        ({"rcpt_to": "x@example.com", "mail_from": ""}, "rcpt_to"),
        ({"rcpt_to": None}, "rcpt_to"),
        ({"mail_from": " ", "data": ""}, "mail_from"),
        ({"data": None}, "data"),
    ],
)
def test_missing_parameters_in_order(
    api: ApiWorld, parameters: dict[str, Any], missing: str
) -> None:
    envelope = api.v1("send/raw", raw(**parameters))
    assert envelope["status"] == "parameter-error"
    assert envelope["data"] == {"message": f"`{missing}` parameter is required but is missing"}


@pytest.mark.parametrize(
    "author",
    [
        b"From: app@other.test\r\n",
        b"",
        b"From: app@acme.test, evil@other.test\r\n",
        b"From: app@acme.test\r\nFrom: evil@other.test\r\n",
    ],
)
def test_every_author_must_be_authorised(api: ApiWorld, author: bytes) -> None:
    content = RAW.replace(b"From: App <app@acme.test>\r\n", author)
    envelope = api.v1("send/raw", raw(content))
    assert (envelope["status"], envelope["data"]) == (
        "error",
        {"code": "UnauthenticatedFromAddress"},
    )
    assert api.count() == 0


def test_base64_behind_a_data_url_is_taken(api: ApiWorld) -> None:
    url = "data:message/rfc822;base64," + base64.b64encode(RAW).decode()
    data = api.v1("send/raw", raw(data=url))["data"]
    assert api.content(data["messages"]["x@example.com"]["id"]) == RAW


def test_the_url_alphabet_is_refused(api: ApiWorld) -> None:
    content = RAW + b"\xfb\xff\xbf?\r\n" * 3
    text = base64.urlsafe_b64encode(content).decode()
    assert set("-_") & set(text)
    envelope = api.v1("send/raw", raw(data=text))
    assert (envelope["status"], envelope["data"]) == (
        "parameter-error",
        {"message": "`data` parameter is invalid: is not base64 (RFC 4648 section 4)"},
    )
    assert api.count() == 0


def test_a_text_without_any_base64_is_an_empty_message(api: ApiWorld) -> None:
    assert api.v1("send/raw", raw(data="%%%"))["data"] == {"code": "UnauthenticatedFromAddress"}


def test_more_recipients_than_anybody_has_are_not_looked_at(api: ApiWorld) -> None:
    envelope = api.v1("send/raw", raw(rcpt_to=["x@example.com"] * 10_001))
    assert envelope["data"]["message"] == "`rcpt_to` parameter has more than 10000 entries"
