"""Which 8-bit messages can be made 7-bit, and how."""

from __future__ import annotations

import base64

import pytest

from chalicelib.domain.mail.eight_bit import seven_bit

FROM = b"From: a@example.com\r\n"
MIME = b"MIME-Version: 1.0\r\n"
TEXT = b"Content-Type: text/plain; charset=utf-8\r\n"
GREETING = "Viele Grüße aus der Stadt am Rhein\r\n".encode()
QUOTED = b"Viele Gr=C3=BC=C3=9Fe aus der Stadt am Rhein\r\n"


def test_a_text_is_quoted_where_it_says_its_encoding() -> None:
    eight = b"Content-Transfer-Encoding : 8BIT\r\n"
    given = FROM + MIME + eight + TEXT + b"X:  y \r\n\r\n" + GREETING
    quoted = b"Content-Transfer-Encoding: quoted-printable\r\n"
    assert seven_bit(given) == FROM + MIME + quoted + TEXT + b"X:  y \r\n\r\n" + QUOTED


@pytest.mark.parametrize(
    ("body", "charset"), [(GREETING, b"utf-8"), (GREETING.replace(b"\xc3\xbc", b"\xfc"), b"unknown-8bit")]
)  # fmt: skip
def test_a_message_that_is_no_mime_becomes_mime(body: bytes, charset: bytes) -> None:
    made = seven_bit(FROM + b"\r\n" + body)
    assert made is not None
    assert made.startswith(
        FROM
        + MIME
        + b"Content-Type: text/plain; charset=%s\r\n" % charset
        + b"Content-Transfer-Encoding: quoted-printable\r\n\r\nViele Gr="
    )


def test_files_and_dense_texts_are_in_base64() -> None:
    for kind, body in (
        (b"image/png", b"\x89PNG\r\n" * 30),
        (b"text/plain", "日本語".encode() * 30),
    ):
        made = seven_bit(FROM + MIME + b"Content-Type: " + kind + b"\r\n\r\n" + body)
        assert made is not None
        fields, _, encoded = made.partition(b"\r\n\r\n")
        assert fields.endswith(b"\r\nContent-Transfer-Encoding: base64")
        assert base64.b64decode(encoded) == body


def test_a_blank_at_the_end_of_a_full_line_makes_no_line_too_long() -> None:
    body = b"x" * 74 + b" \r\n" + GREETING
    made = seven_bit(FROM + MIME + TEXT + b"\r\n" + body)
    assert made is not None
    head, _, encoded = made.partition(b"\r\n\r\n")
    assert b"Content-Transfer-Encoding: base64" in head
    assert base64.b64decode(encoded) == body
    assert max(map(len, encoded.split(b"\r\n"))) <= 76


def test_a_part_without_fields_gets_one() -> None:
    kind = b"Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    given = FROM + MIME + kind + b"--b\r\n\r\n" + GREETING + b"\r\n--b--\r\n"
    encoding = b"--b\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    wanted = FROM + MIME + kind.replace(b"8bit", b"7bit") + encoding + QUOTED + b"\r\n--b--\r\n"
    assert seven_bit(given) == wanted


def test_a_soft_line_break_never_makes_a_boundary() -> None:
    kind = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    line = b"\xc3\xbc" + b"x" * 69 + b"--b\r\n"
    made = seven_bit(FROM + MIME + kind + b"--b\r\n" + TEXT + b"\r\n" + line + b"\r\n--b--\r\n")
    assert made is not None
    assert b"Content-Transfer-Encoding: base64" in made
    assert base64.b64encode(line)[:76] in made


def test_a_message_in_ascii_stays_the_same_object() -> None:
    given = FROM + b"DKIM-Signature: x\r\n\r\nHi"
    assert seven_bit(given) is given


def parted(kind: bytes, part: bytes) -> bytes:
    kind = b"Content-Type: multipart/" + kind + b"; boundary=b\r\n\r\n"
    return FROM + MIME + kind + b"--b\r\n" + part + b"\r\n--b--\r\n"


@pytest.mark.parametrize(
    "given",
    [
        FROM + b"DKIM-Signature: v=1; d=other.test\r\n\r\n" + GREETING,
        FROM + "Subject: Grüße\r\n\r\n".encode() + b"Hi\r\n",
        FROM + "Subject: Grüße\r\n\r\n".encode() + GREETING,
        FROM + "Subject: Grüße".encode(),
        parted(b"signed", TEXT + b"\r\n" + GREETING),
        parted(b"mixed", b"Content-Type: message/rfc822\r\n\r\n" + FROM + b"\r\n" + GREETING),
        parted(b"digest", b"\r\n" + FROM + b"\r\n" + GREETING),
        parted(b"mixed", b"Content-Type: multipart/mixed\r\n\r\n" + GREETING),
        parted(b"mixed", b"Content-Disposition: attachment; filename=\xe4\r\n\r\nHi"),
        parted(b"mixed", b"\r\nHi").replace(b"--b\r\n", GREETING + b"--b\r\n"),
        parted(b"mixed", b"\r\nHi") + GREETING,
        parted(b"mixed", b"Content-Transfer-Encoding: base64\r\n\r\n\xff"),
        parted(b"mixed", b"Content-Transfer-Encoding: quoted-printable\r\n\r\n\xff"),
        parted(b"mixed", b"Content-Transfer-Encoding: x-uuencode\r\n\r\n\xff"),
        parted(b"mixed", b"\r\nHi\r\n--b\r\n" * 1_000 + b"\r\n" + GREETING),
    ],
)
def test_what_cannot_be_converted(given: bytes) -> None:
    assert seven_bit(given) is None


@pytest.mark.parametrize("start", [b"", b"x\r\n"])
@pytest.mark.parametrize("line", ["--\xfc", "--a=3D\xfc", "--a=", "--a "])
def test_encoding_a_line_never_makes_a_boundary(start: bytes, line: str) -> None:
    kind = b'Content-Type: multipart/mixed; boundary="=C3=BC"\r\n\r\n'
    body = start + line.encode() + b"\r\n" + GREETING * 9
    made = seven_bit(
        FROM + MIME + kind + b"--=C3=BC\r\n" + TEXT + b"\r\n" + body + b"\r\n--=C3=BC--"
    )
    assert made is not None
    assert made.count(b"\r\n--") == 2
    assert made.count(b"\r\nContent-Transfer-Encoding: base64\r\n") == 1


@pytest.mark.parametrize(
    "value", [b"8bit (x)", b"(a (b\\)) c) 8BIT", b"\r\n (x)\r\n binary\r\n (y)"]
)
def test_comments_beside_a_transfer_encoding_say_nothing(value: bytes) -> None:
    field = b"Content-Transfer-Encoding: " + value + b"\r\n"
    kind = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    given = FROM + MIME + field + kind + b"--b\r\n" + field + b"\r\n" + GREETING + b"\r\n--b--\r\n"
    narrowed = b"Content-Transfer-Encoding: 7bit\r\n" + kind
    quoted = b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + QUOTED
    assert seven_bit(given) == FROM + MIME + narrowed + b"--b\r\n" + quoted + b"\r\n--b--\r\n"


@pytest.mark.parametrize(
    "value", [b"quoted-printable (8bit)", b"8bit x", b"x-uuencode", b"(8bit)base64"]
)
def test_what_is_encoded_already_is_not_encoded_again(value: bytes) -> None:
    assert (
        seven_bit(FROM + MIME + b"Content-Transfer-Encoding: " + value + b"\r\n\r\n" + GREETING)
        is None
    )


@pytest.mark.parametrize(
    "name", [b"DKIM-Signature", b"arc-message-signature", b"ARC-Seal", b"DomainKey-Signature"]
)
def test_what_others_signed_is_not_converted(name: bytes) -> None:
    assert seven_bit(name + b": a=rsa-sha256\r\n" + FROM + b"\r\n" + GREETING) is None
