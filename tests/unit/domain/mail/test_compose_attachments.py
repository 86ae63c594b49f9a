"""How files travel in a composed message: byte for byte in base64, messages as the lines they are."""

from __future__ import annotations

import tracemalloc
from email import policy
from email.parser import BytesParser
from typing import Any

import pytest

from chalicelib.domain.mail.compose import Attachment, Draft, Stamp, compose
from chalicelib.domain.mail.composed_size import body_octets
from chalicelib.domain.mail.header_rendering import Mailbox, content_type_fault, render_content_type
from chalicelib.domain.mail.mime import bodies_and_attachments, decode_part

STAMP = Stamp("id@rp.test", "Fri, 22 Mar 2024 12:00:00 +0000", "=_m", "=_a", "=_r")
AUTHOR = Mailbox("App", "app@acme.test")
INNER = b"From: a@b.c\r\nSubject: inner\r\n\r\nhi\r\n"


def composed(*files: Attachment) -> bytes:
    return compose(Draft(AUTHOR, text="x", html="<p>x", attachments=files), STAMP)


def parsed(content: bytes) -> Any:
    return BytesParser(policy=policy.default).parsebytes(content)


@pytest.mark.parametrize(
    "content_type",
    [
        "message/rfc822",
        "Message/RFC822",
        "message/delivery-status",
        "message/global; charset=utf-8",
    ],
)
@pytest.mark.parametrize("content_id", [None, "one@acme"])
def test_an_attached_message_is_sent_as_the_lines_it_is(
    content_type: str, content_id: str | None
) -> None:
    content = composed(Attachment("fwd.eml", content_type, INNER, content_id))
    disposition = b"attachment" if content_id is None else b"inline"
    fields = b"Content-Disposition: " + disposition + b'; filename="fwd.eml"\r\n'
    fields += b"Content-ID: <one@acme>\r\n" if content_id else b""
    part = b"Content-Type: %s\r\nContent-Transfer-Encoding: 7bit\r\n%s\r\n%s\r\n--=_"
    assert part % (content_type.encode(), fields, INNER) in content
    assert b"8bit" not in content
    (attached,) = bodies_and_attachments(content)[2]
    assert decode_part(content, attached) == INNER


def test_a_message_with_unix_line_ends_gets_those_of_mail() -> None:
    content = composed(Attachment("fwd.eml", "message/rfc822", INNER.replace(b"\r\n", b"\n")))
    (attached,) = bodies_and_attachments(content)[2]
    assert (attached.encoding, decode_part(content, attached)) == ("7bit", INNER)
    inner = next(part for part in parsed(content).walk() if part["subject"] == "inner")
    assert inner.get_content() == "hi\r\n"


def test_an_8_bit_message_makes_the_multiparts_around_it_8_bit() -> None:
    eight = INNER + "Grüße\r\n".encode()
    attached = composed(Attachment("fwd.eml", "message/rfc822", eight))
    header, _, rest = attached.partition(b"\r\n\r\n")
    assert header.count(b"\r\nContent-Transfer-Encoding: 8bit") == 1
    assert rest.count(b"Content-Transfer-Encoding: 8bit\r\n") == 1
    inline = composed(Attachment("fwd.eml", "message/rfc822", eight, "one@acme"))
    assert inline.count(b"Content-Transfer-Encoding: 8bit\r\n") == 4
    assert decode_part(inline, bodies_and_attachments(inline)[2][0]) == eight


@pytest.mark.parametrize(
    ("content_type", "content"),
    [
        ("message/rfc822", INNER + b"x" * 999 + b"\r\n"),
        ("message/rfc822", INNER + b"\0\r\n"),
        ("message/rfc822", INNER + b"unix\n"),
        ("message/rfc822", INNER.replace(b"\r\n", b"\r")),
        ("message/delivery-status; x=y", b"\xff\xd8\r\r\n"),
        ("multipart/mixed; boundary=q", b"--q\r\n\r\nx\r\n--q--\r\n"),
        ("Multipart/Signed", b""),
    ],
)
def test_what_mime_lets_nobody_encode_goes_as_a_file(content_type: str, content: bytes) -> None:
    whole = composed(Attachment("odd.bin", content_type, content))
    (attached,) = bodies_and_attachments(whole)[2]
    assert (attached.content_type, attached.encoding, attached.filename) == (
        "application/octet-stream",
        "base64",
        "odd.bin",
    )
    assert decode_part(whole, attached) == content
    assert whole.isascii()


def test_a_line_of_998_octets_is_not_too_long() -> None:
    content = INNER + b"x" * 998
    whole = composed(Attachment("fwd.eml", "message/rfc822", content))
    assert content + b"\r\n--=_m--" in whole


@pytest.mark.parametrize("content", [b"", b"\0\xff\r\n\n\r", b"From: a\n", b"x" * 5_000])
@pytest.mark.parametrize("content_type", ["text/plain", "application/pdf", "image/png", "text/csv"])
def test_any_other_file_is_sent_byte_for_byte(content_type: str, content: bytes) -> None:
    whole = composed(Attachment("a.bin", content_type, content))
    (attached,) = bodies_and_attachments(whole)[2]
    assert (attached.encoding, decode_part(whole, attached)) == ("base64", content)


def test_a_plain_name_stands_in_one_place() -> None:
    assert render_content_type("application/pdf", "a b.pdf") == b"Content-Type: application/pdf\r\n"


def test_a_name_beyond_ascii_is_there_for_outlook_too() -> None:
    content = composed(Attachment("Übersicht.pdf", "application/pdf", b"x"))
    assert b'Content-Type: application/pdf; name="=?UTF-8?B?w5xiZXJzaWNodC5wZGY=?="\r\n' in content
    assert b"attachment; filename*=UTF-8''%C3%9Cbersicht.pdf\r\n" in content


NAMES = [
    "日本語の長いファイル名" * 9 + ".xlsx",
    "x" * 200 + ".pdf",
    "=?utf-8?q?=0D=0AX:?=.txt",
    "é" * 255,
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("content_type", ["application/pdf", "text/plain; charset=utf-8;"])
def test_any_name_is_read_from_both_fields(name: str, content_type: str) -> None:
    content = composed(Attachment(name, content_type, b"x"))
    (attached,) = bodies_and_attachments(content)[2]
    assert (attached.params["name"], attached.filename) == (name, name)
    part = next(part for part in parsed(content).walk() if part.get_filename())
    assert part.get_filename() == name
    assert part["content-type"].params["name"] == name
    field = render_content_type(content_type, name)
    assert max(map(len, field.split(b"\r\n"))) <= 78
    assert all(len(word) <= 75 for word in field.replace(b'"', b" ").split() if b"=?" in word)


def test_a_name_that_the_client_gave_with_the_type_is_kept() -> None:
    field = render_content_type('application/pdf; name="mine.pdf"', "é.pdf")
    assert field == b'Content-Type: application/pdf; name="mine.pdf"\r\n'


def test_a_type_whose_name_hides_a_line_break_is_refused() -> None:
    hidden = 'text/plain; name="=?utf-8?q?=0D=0AX:_1?="'
    assert content_type_fault(hidden) == "holds an encoded word that cannot be sent"
    assert content_type_fault('text/plain; name="=?utf-8?q?caf=C3=A9?="') is None


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
@pytest.mark.parametrize("before", [b"", b"a: b", b"a: b|c"])
def test_lines_are_measured_wherever_they_stand(before: bytes, end: bytes) -> None:
    for octets, encoding in ((998, b"7bit"), (999, b"base64")):
        for after in (b"", b"|", b"|x"):
            content = before + b"|" * bool(before) + b"x" * octets + after
            made = composed(Attachment("a.eml", "message/rfc822", content.replace(b"|", end)))
            assert made.count(b"\r\nContent-Transfer-Encoding: %s\r\nContent-Disp" % encoding) == 1


SHORT_LINES = b"ab\n" * (1 << 20)


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_many_lines_cost_no_more_memory_than_their_octets(end: bytes) -> None:
    content = SHORT_LINES.replace(b"\n", end)
    file = Attachment("a.eml", "message/rfc822", content)
    draft = Draft(AUTHOR, text=SHORT_LINES.decode(), attachments=(file,))
    tracemalloc.start()
    try:
        octets = len(compose(draft, STAMP))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 * octets


@pytest.mark.parametrize(
    "lines",
    [SHORT_LINES, b"\n" * 1_000, b"a\n\0\n" * 99, b"a\r\n" * 99, b"x" * 999 + b"\n" * 9],
)
@pytest.mark.parametrize("content_type", ["Message/rfc822", "text/plain"])
def test_the_size_is_known_before_a_file_is_composed(content_type: str, lines: bytes) -> None:
    draft = Draft(AUTHOR, attachments=(Attachment("a", content_type, lines),))
    others = len(compose(Draft(AUTHOR, attachments=(Attachment("a", content_type, b""),)), STAMP))
    assert body_octets(draft) <= len(compose(draft, STAMP)) - others + 20


def test_the_size_of_a_message_with_unix_line_ends_counts_those_of_mail() -> None:
    draft = Draft(AUTHOR, attachments=(Attachment("a", "message/rfc822", SHORT_LINES),))
    assert body_octets(draft) == len(SHORT_LINES) * 4 // 3
