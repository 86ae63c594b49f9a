"""The MIME walk on anything: leaves in order, inside the message, never overlapping; made structures are found."""

from __future__ import annotations

import base64
import quopri
from email.message import EmailMessage
from email.policy import SMTP

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.mail.headers import read_headers
from chalicelib.domain.mail.mime import bodies_and_attachments, decode_part, part_text, read_parts

PIECES = st.sampled_from(
    [
        b"Content-Type: multipart/mixed; boundary=b\r\n", b"Content-Type: multipart/digest; boundary=\"b b\"\r\n",
        b"--b", b"--b b", b"--", b"\r\n", b"\r\n\r\n", b"text", b" ", b"Content-Transfer-Encoding: base64\r\n",
        b"Content-Disposition: attachment; filename*0*=utf-8''%e2; filename*1=x\r\n", b"=?", b"\xff", b";", b"\"",
    ]
)  # fmt: skip


@given(st.lists(PIECES | st.binary(max_size=3), max_size=60).map(b"".join))
def test_leaves_are_in_order_and_inside(content: bytes) -> None:
    headers = read_headers(content)
    at = headers.body_at
    parts = read_parts(content, headers)
    assert parts
    for part in parts:
        assert at <= part.start <= part.end <= len(content)
        at = part.end
        assert len(decode_part(content, part)) <= part.end - part.start
        part_text(content, part).encode()
    bodies_and_attachments(content)


@given(
    st.lists(st.tuples(st.binary(max_size=60), st.text(max_size=20)), max_size=5),
    st.text(max_size=60),
)
def test_what_python_composes_comes_apart(files: list[tuple[bytes, str]], text: str) -> None:
    clean = "".join(character for character in text if character.isprintable())
    message = EmailMessage(policy=SMTP)
    message.set_content(clean)
    for data, name in files:
        printable = "".join(character for character in name if character.isalnum())
        message.add_attachment(
            data, maintype="application", subtype="x-test", filename=printable or "a"
        )
    content = message.as_bytes()
    plain, html, attachments = bodies_and_attachments(content)
    assert (plain or "").strip() == clean.strip()
    assert html is None
    assert [decode_part(content, part) for part in attachments] == [data for data, _ in files]


@given(st.binary(max_size=300))
def test_transfer_encodings_round_trip(data: bytes) -> None:
    for encoding, encoded in (
        (b"base64", base64.encodebytes(data).replace(b"\n", b"\r\n")),
        (b"quoted-printable", quopri.encodestring(data.translate(None, b"\r\n"))),
    ):
        content = b"Content-Transfer-Encoding: " + encoding + b"\r\n\r\n" + encoded
        (part,) = read_parts(content, read_headers(content))
        assert decode_part(content, part) == (
            data if encoding == b"base64" else data.translate(None, b"\r\n")
        )
