"""Messages made to be slow to look for links in: the work grows with the message, and no faster."""

from __future__ import annotations

import base64

import pytest

from tests.growth import assert_linear
from tests.tracked_mail import HEAD, html_mail, text_mail, track

MIB = 1 << 20
PIECES = {
    "tags without end": b"<a href=",
    "quotes": b'"',
    "quoted values without end": b"<a href='<a href=\"",
    "comments without end": b"<!--",
    "comments that nearly end": b"<!-- --",
    "brackets": b"<",
    "end tags without end": b"</",
    "empty tags": b"<a>",
    "declarations": b"<!x",
    "sections": b"<![CDATA[>",
    "raw text without end": b"<script><style></x",
    "raw text with end": b"<style></style>",
    "attributes": b"<p" + b" a=1" * 50,
    "closed tags of many attributes": b"<p" + b" a=1" * 50 + b">",
    "nothing but attributes": b" a",
    "slashes": b"<a" + b"/" * 30,
    "equals": b"<a ====",
    "references": b"<a href='&&amp&#x41;&#'>",
    "links": b"<a href=http://a/>",
    "marks": b"<a href=http+notrack://a>",
    "ends of the body": b"</body>",
    "addresses": b"http://a ",
    "an address of addresses": b"http://",
    "brackets in text": b"http://a/(((([[[)))]]] ",
    "closing brackets": b"http://a/" + b")" * 1_500 + b" ",
    "escaped equals": b"=3D",
    "lone equals": b"=",
    "soft line breaks": b"=\r\n",
    "padded soft line breaks": b"=     ",
    "links over soft line breaks": b"<a href=3Dhtt=\r\np://a/>",
    "hyphens": b"-",
    "spaces": b" ",
    "line ends": b"\r\n",
}


@pytest.mark.parametrize("encoding", ["8bit", "quoted-printable", "base64"])
@pytest.mark.parametrize("name", PIECES)
def test_work_grows_with_the_text(name: str, encoding: str) -> None:
    piece = PIECES[name]

    def mail(size: int) -> bytes:
        body = piece * (size // len(piece))
        if encoding == "base64":
            return html_mail(base64.encodebytes(body), encoding=encoding)
        return html_mail(body, encoding=encoding)

    assert_linear(track, mail(MIB // 8), mail(MIB // 2))


@pytest.mark.parametrize("name", PIECES)
def test_work_grows_with_plain_text(name: str) -> None:
    piece = PIECES[name]
    assert_linear(
        track,
        text_mail(piece * (MIB // 8 // len(piece))),
        text_mail(piece * (MIB // 2 // len(piece))),
    )


def nested(levels: int) -> bytes:
    """Multiparts in multiparts, each beginning with the boundary of the one around it."""
    content = b""
    for level in range(levels):
        boundary = b"b" * (level + 1)
        content += b"Content-Type: multipart/related; boundary=%s\r\n\r\n--%s\r\n" % (
            boundary,
            boundary,
        )
    return (
        HEAD + content + b"Content-Type: text/html\r\n\r\n<a href='http://a/'>" + b"\r\n--b" * 100
    )


def test_deep_structure_is_no_work() -> None:
    assert_linear(track, nested(500), nested(2_000))


def test_many_parts_share_one_limit() -> None:
    part = b"--b\r\nContent-Type: text/html\r\n\r\n" + b"<a href=http://a/>" * 2_000 + b"\r\n"
    start = HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    few, many = track(start + part * 60), track(start + part * 600)
    assert len(few.links) == len(many.links) == 2_047
