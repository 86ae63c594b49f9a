"""What is in a message over API v2 and the command: fields, texts, attachments, whatever the bytes are."""

from __future__ import annotations

import base64
import hashlib
import json
import urllib.parse
from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.adapters.sqlite.links import SignedLinks
from chalicelib.domain.inspection import Inspection
from chalicelib.domain.model import Arrival, BlobRef, Message, MessageRecord, Origin, Scope
from chalicelib.domain.numbering import MessageId
from chalicelib.ports.blobs import BlobStore
from chalicelib.ports.clock import Clock
from chalicelib.services.messages import history
from tests.http_api import ApiWorld, Reply

PNG = b"\x89PNG\r\n\x1a\n"
TEXT = "Thanks!\n\nOn Sat, 28 Nov 2026 at 09:00, Acme <a@acme.test> wrote:\n> Hello\n"


def sent(api: ApiWorld, **more: Any) -> int:
    good = {"from": "app@acme.test", "to": "x@example.com", "subject": "Grüße", "text": TEXT}
    reply = api.v2("POST", "/emails", good | more)
    assert reply.status == 202
    number: int = reply.json["id"]
    return number


def attached(data: bytes, name: str = 'größe "1".png') -> dict[str, str]:
    content = base64.b64encode(data).decode()
    return {"filename": name, "content": content, "content_type": "image/png"}


def incoming(api: ApiWorld, monkeypatch: pytest.MonkeyPatch, content: bytes) -> int:
    """A message that came in, as the store would have it."""
    program, server = api.scene.posthorn, api.scene.server.id
    put = program[BlobStore].put(server, [content], program[Clock].now())
    (ref,) = bootstrap.run(put)
    message = Message(
        server, MessageId(77), "t" * 16, Scope.INCOMING, "a@b.test", "in@acme.test", "s", "m@b.test",
        1_700_000_000.0, len(content), ref, Origin("@incoming", "acme.test", ""), arrival=Arrival(),
    )  # fmt: skip

    async def get(*_: object) -> MessageRecord:
        return MessageRecord(message, inspection=Inspection())

    monkeypatch.setattr(program[history.MessageHistory], "record_named", get)
    return 77


def test_fields_texts_and_attachments(api: ApiWorld) -> None:
    number = sent(api, html="<p>Hi</p>", attachments=[attached(PNG)])
    shown = api.v2("GET", f"/emails/{number}/content").json
    assert list(shown) == ("headers text html reply_text quoted_text attachments truncated".split())
    assert {"name": "Subject", "value": "Grüße"} in shown["headers"]
    assert shown["headers"][0]["name"] == "Received"
    assert (shown["text"].rstrip("\n") + "\n", shown["html"].strip()) == (TEXT, "<p>Hi</p>")
    assert shown["reply_text"] == "Thanks!\n"
    assert shown["quoted_text"].startswith("On Sat")
    assert shown["attachments"] == [
        {
            "index": 0, "filename": 'größe "1".png', "content_type": "image/png", "content_id": None,
            "size": 8, "sha256": hashlib.sha256(PNG).hexdigest(),
        }
    ]  # fmt: skip
    assert shown["truncated"] is False


def linked(api: ApiWorld, reply: Reply) -> bytes:
    """What is behind a redirection."""
    program = api.scene.posthorn
    path = urllib.parse.urlsplit(reply.headers["location"]).path
    assert program[SignedLinks].read_name(path) in ('größe "1".png', "c")
    ref: BlobRef = program[SignedLinks].read_link(path, program[Clock].now())
    return bootstrap.run(program[BlobStore].get(ref))


def test_an_attachment_comes_as_a_file_that_no_browser_shows(api: ApiWorld) -> None:
    number = sent(api, attachments=[attached(PNG)])
    at = f"/emails/{number}/attachments/0"
    reply = api.v2("GET", at, accept="application/octet-stream")
    assert (reply.status, reply.body) == (200, PNG)
    assert reply.headers["content-type"] == "application/octet-stream"
    name = urllib.parse.quote('größe "1".png', safe="")
    assert reply.headers["content-disposition"] == (
        f"attachment; filename=\"gr__e _1_.png\"; filename*=UTF-8''{name}"
    )
    assert reply.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("accept", [None, "", "image/png", "text/html", "text/*"])
def test_an_attachment_is_handed_out_whatever_is_accepted(
    api: ApiWorld, accept: str | None
) -> None:
    number = sent(api, attachments=[attached(PNG)])
    fields = {} if accept is None else {"accept": accept}
    reply = api.v2("GET", f"/emails/{number}/attachments/0", **fields)
    assert reply.status == 303
    assert linked(api, reply) == PNG


@pytest.mark.parametrize("index", ["00", "01", "1", "-1", "x", "²", "999999999", "0x0"])
def test_no_other_attachment_is_there(api: ApiWorld, index: str) -> None:
    number = sent(api, attachments=[attached(PNG)])
    reply = api.v2("GET", f"/emails/{number}/attachments/{urllib.parse.quote(index)}")
    assert (reply.status, reply.json["code"]) == (404, "not_found")


def test_a_large_attachment_is_elsewhere(api: ApiWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    data = b"\x00\x01" * 2_500_000
    body = base64.encodebytes(data).replace(b"\n", b"\r\n")
    head = b"Content-Type: a/b; name=c\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    number = incoming(api, monkeypatch, head + body)
    reply = api.v2("GET", f"/emails/{number}/attachments/0")
    assert reply.status == 303
    assert reply.headers["cache-control"] == "no-store"
    assert linked(api, reply) == data


def test_incoming_mail_is_shown_with_what_was_found(
    api: ApiWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = incoming(api, monkeypatch, b"X-Postal-Spam: yes\r\nSubject: x\r\n\r\nHi\r\n")
    shown = api.v2("GET", f"/emails/{number}/content").json
    names = [one["name"] for one in shown["headers"]]
    assert names[:4] == [
        "X-Postal-Spam", "X-Postal-Spam-Threshold", "X-Postal-Spam-Score", "X-Postal-Threat",
    ]  # fmt: skip
    assert names.count("X-Postal-Spam") == 1
    raw = api.v2("GET", f"/emails/{number}/raw").body
    assert raw.startswith(b"X-Postal-Spam: no\r\nX-Postal-Spam-Threshold: 5.0\r\n")


def test_a_large_message_that_came_in_is_elsewhere_as_it_is_shown(
    api: ApiWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = incoming(api, monkeypatch, b"X-Postal-Spam: yes\r\n\r\n" + b"x" * 5_000_000)
    reply = api.v2("GET", f"/emails/{number}/raw")
    assert reply.status == 303
    program = api.scene.posthorn
    path = urllib.parse.urlsplit(reply.headers["location"]).path
    ref = program[SignedLinks].read_link(path, program[Clock].now())
    content = bootstrap.run(program[BlobStore].get(ref))
    assert content.startswith(b"X-Postal-Spam: no\r\n")
    assert content.endswith(b"\r\n\r\n" + b"x" * 5_000_000)


HOSTILE = {
    "nothing": b"",
    "no utf-8": b"Subject: \xff\r\n\r\n\xff\xfe",
    "a bomb": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\n" * 100_000,
    "many fields": b"A: b\r\n" * 200_000,
    "much that is escaped": b"Content-Type: text/plain; charset=utf-8\r\n\r\n"
    + "ü".encode() * 3_000_000,
    "much html": b"Content-Type: text/html; charset=utf-8\r\n\r\n" + b'"\\' * 3_000_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_content_never_fails_a_request(
    api: ApiWorld, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    number = incoming(api, monkeypatch, HOSTILE[name])
    reply = api.v2("GET", f"/emails/{number}/content")
    assert reply.status == 200
    assert len(json.dumps(reply.body.decode())) < 6_200_000
    assert reply.json["truncated"] is (name not in ("nothing", "no utf-8"))


def test_content_that_is_gone_is_404(api: ApiWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    number = sent(api)

    async def gone(*_: object) -> None:
        return None

    monkeypatch.setattr(api.scene.posthorn[history.MessageHistory], "content", gone)
    for below in ("content", "attachments/0"):
        assert api.v2("GET", f"/emails/{number}/{below}").status == 404
