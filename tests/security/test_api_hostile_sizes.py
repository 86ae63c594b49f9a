"""Work on hostile input grows no faster than the input: texts to encode and fold, forms, JSON."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from chalicelib.api.http import HttpRequest
from chalicelib.api.json_body import parse_json
from chalicelib.api.v1 import envelope
from chalicelib.api.v1.envelope import read_parameters
from chalicelib.api.v1.messages import mime_base64
from chalicelib.domain.mail.compose import encode_text, read_mailbox
from chalicelib.domain.mail.header_rendering import (
    Mailbox,
    content_type_fault,
    render_mailboxes,
    render_parameters,
    render_text,
    value_fault,
)
from tests.growth import assert_linear
from tests.http_api import api_world

HOSTILE = [
    " ",
    "\t",
    "a",
    "ü",
    "=?",
    "=?utf-8?q?",
    '"',
    "\\",
    "(",
    "<",
    ",",
    "a ",
    "ü ",
    "=",
    "\u2027",
]
WORK: dict[str, Callable[[str], object]] = {
    "render_text": lambda text: render_text("Subject", text),
    "read_mailbox": lambda text: read_mailbox(f"{text} <a@b.c>"),
    "render_mailbox": lambda text: render_mailboxes("To", [Mailbox(text.strip(), "a@b.c")]),
    "render_parameters": lambda text: render_parameters("X", "y", [("filename", text)]),
    "value_fault": value_fault,
    "content_type_fault": lambda text: content_type_fault(f"a/b;{text}"),
    "encode_text": encode_text,
}


@pytest.mark.parametrize("piece", HOSTILE)
@pytest.mark.parametrize("name", WORK)
def test_texts(name: str, piece: str) -> None:
    assert_linear(WORK[name], piece * (65_536 // len(piece)), piece * (262_144 // len(piece)))


def form(content_type: str, body: bytes) -> HttpRequest:
    return HttpRequest("POST", "/", {}, {}, {"content-type": content_type}, body, "", "")


def read_leniently(request: HttpRequest) -> None:
    try:
        read_parameters(request)
    except ValueError:
        return


@pytest.mark.parametrize(
    ("content_type", "piece"),
    [
        ("application/x-www-form-urlencoded", b"a=b&"),
        ("application/x-www-form-urlencoded", b"%"),
        ("application/x-www-form-urlencoded", b"&"),
        ("application/x-www-form-urlencoded", b"params=%5B"),
        ("multipart/form-data; boundary=x", b"--x\r\n"),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n',
        ),
        ("multipart/form-data; boundary=x", b'name="params"'),
        ("application/json", b"["),
        ("application/json", b'{"a":'),
        ("application/json", b"1"),
        ("application/json", b'"\\u0061'),
    ],
)
def test_forms(content_type: str, piece: bytes) -> None:
    small = form(content_type, piece * (262_144 // len(piece)))
    large = form(content_type, piece * (1_048_576 // len(piece)))
    assert_linear(read_leniently, small, large)


@pytest.mark.parametrize("first", [b"", b'"NaN",', b'"-Infinity and NaN",', b'{"NaN": 1},'])
@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_deep_json_is_refused(opening: bytes, first: bytes) -> None:
    for depth in (1_000, 500_000):
        with pytest.raises(ValueError, match="recursion"):
            parse_json(b"[" + first + opening * depth)


@pytest.mark.parametrize(
    "text",
    [
        b"NaN",
        b"[Infinity]",
        b'{"a": -Infinity, "b": "NaN"}',
        b'["NaN", NaN]',
        b"[1, nan]",
        b"[" * 100 + b"NaN" + b"]" * 100,
    ],
)
def test_what_only_looks_like_a_number_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match="line 1"):
        parse_json(text)


def test_these_words_are_texts_like_others() -> None:
    text = b'{"NaN": ["Infinity", "-Infinity", "a NaN b"]}'
    assert parse_json(text) == {"NaN": ["Infinity", "-Infinity", "a NaN b"]}


DEEP = b'{"subject": "NaN", "x": ' + b"[" * 1_000


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", DEEP),
        ("application/x-www-form-urlencoded", urlencode({"params": DEEP}).encode()),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="params"\r\n\r\n'
            + DEEP
            + b"\r\n--x--\r\n",
        ),
        ("text/plain", b""),
    ],
)
@pytest.mark.parametrize("with_key", [True, False])
def test_deep_json_is_a_client_s_fault_at_every_door_of_version_1(
    content_type: str, body: bytes, with_key: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    with api_world() as api:
        headers = {"content-type": content_type}
        if with_key:
            headers["x-server-api-key"] = api.scene.api_key
        query = "" if body else f"?params={quote(DEEP)}"
        reply = api.call("POST", f"/api/v1/messages/message{query}", body, headers)
    assert (reply.status, reply.json["status"]) == (400, "parameter-error")
    (line,) = (json.loads(text) for text in capsys.readouterr().out.splitlines())
    assert (line["outcome"], line["status"]) == ("ok", 400)


@pytest.mark.parametrize("path", ["/emails", "/emails/batch", "/uploads"])
def test_deep_json_is_a_client_s_fault_in_version_2(
    path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with api_world() as api:
        reply = api.v2("POST", path, DEEP)
    assert (reply.status, reply.json["code"]) == (400, "malformed_request")
    (line,) = (json.loads(text) for text in capsys.readouterr().out.splitlines())
    assert line["outcome"] == "malformed_request"


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/x-www-form-urlencoded", b"params=%7B%22id%22%3A%22%FF%22%7D"),
        ("application/x-www-form-urlencoded", b'params={"id":"\xff"}'),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="params"\r\n\r\n{"id":"\xff"}\r\n--x--',
        ),
    ],
)
def test_a_form_that_is_not_utf_8_is_refused_and_not_altered(
    content_type: str, body: bytes
) -> None:
    with pytest.raises(ValueError, match="utf-8"):
        read_parameters(form(content_type, body))


def test_a_stranger_s_large_body_is_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    large = b"[" + b"[]," * 40_000 + b"1]"
    with api_world() as api:
        headers = {"content-type": "application/json"}

        def answer(key: str, body: bytes) -> tuple[int, Any]:
            sent = headers | ({"x-server-api-key": key} if key else {})
            reply = api.call("POST", "/api/v1/send/message", body, sent)
            return reply.status, reply.json["data"].get("code")

        assert answer(api.scene.api_key, large) == (200, "NoRecipients")
        assert answer("nobody's", large[:50_000]) == (400, None)

        def unparsed(_: bytes) -> Any:
            raise AssertionError("parsed")

        monkeypatch.setattr(envelope, "parse_json", unparsed)
        assert answer("nobody's", large) == (200, "InvalidServerAPIKey")
        assert answer("", large) == (200, "AccessDenied")


def test_base64_of_a_message_is_linear() -> None:
    assert base64.b64decode(mime_base64(b"abc" * 1_000)) == b"abc" * 1_000
    assert_linear(mime_base64, b"x" * 500_000, b"x" * 2_000_000)
