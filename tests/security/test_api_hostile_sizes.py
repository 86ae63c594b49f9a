"""Work on hostile input grows no faster than the input: texts to encode and fold, forms, JSON."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest

from chalicelib.api.http import HttpRequest
from chalicelib.api.json_body import parse_json
from chalicelib.api.v1.envelope import read_parameters
from chalicelib.api.v1.messages import mime_base64
from chalicelib.domain.compose import encode_text, read_mailbox
from chalicelib.domain.headerfield import (
    Mailbox,
    content_type_fault,
    render_mailboxes,
    render_parameters,
    render_text,
    value_fault,
)
from tests.growth import assert_linear

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


def test_deep_json_is_refused() -> None:
    for opening in (b"[", b'{"a":'):
        with pytest.raises(ValueError, match="recursion"):
            parse_json(opening * 500_000)


def test_base64_of_a_message_is_linear() -> None:
    assert base64.b64decode(mime_base64(b"abc" * 1_000)) == b"abc" * 1_000
    assert_linear(mime_base64, b"x" * 500_000, b"x" * 2_000_000)
