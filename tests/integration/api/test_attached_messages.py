"""An attached message arrives as a message, by both versions of the API, and its name with it."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.http_api import ApiWorld

INNER = b"From: a@b.c\r\nSubject: inner\r\n\r\nhi\r\n"


def sent(api: ApiWorld, version: str, name: str, content_type: str, content: bytes) -> bytes:
    data = base64.b64encode(content).decode()
    value: dict[str, Any] = {"from": "app@acme.test", "to": ["x@example.com"]}
    if version == "v1":
        file = {"name": name, "content_type": content_type, "data": data}
        envelope = api.v1("send/message", value | {"plain_body": "x", "attachments": [file]})
        return api.content(envelope["data"]["messages"]["x@example.com"]["id"])
    file = {"filename": name, "content_type": content_type, "content": data}
    reply = api.v2("POST", "/emails", value | {"text": "x", "attachments": [file]})
    assert reply.status == 202, reply
    return api.content(reply.json["id"])


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_forwarded_message_is_not_encoded(api: ApiWorld, version: str) -> None:
    content = sent(api, version, "über.eml", "message/rfc822", INNER)
    assert b'Content-Type: message/rfc822; name="=?UTF-8?B?w7xiZXIuZW1s?="\r\n' in content
    assert b"\r\nContent-Transfer-Encoding: 7bit\r\nContent-Disposition: attachment;" in content
    assert b"filename*=UTF-8''%C3%BCber.eml\r\n\r\n" + INNER + b"\r\n--=_" in content


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("content_type", ["multipart/mixed; boundary=q", "message/rfc822"])
def test_what_cannot_be_lines_is_a_file_like_any_other(
    api: ApiWorld, version: str, content_type: str
) -> None:
    content = sent(api, version, "fwd.eml", content_type, b"\0" + INNER)
    assert b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64" in content
    assert base64.b64encode(b"\0" + INNER) in content
