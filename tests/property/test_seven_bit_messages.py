"""An 8-bit message made 7-bit says the same: every part decodes to what it was, and only encodings have changed."""

from __future__ import annotations

import re
from email import policy
from email.parser import BytesParser

from hypothesis import assume, given
from hypothesis import strategies as st

from chalicelib.domain.mail.eight_bit import seven_bit
from chalicelib.domain.mail.headers import read_headers
from chalicelib.domain.mail.mime import Part, decode_part, read_parts

LINES = st.lists(
    st.sampled_from(
        ["Grüße".encode(), b"\xff", b"=3D", b"=", b" ", b"\t", b".", b"--b", b"--", b"From ", b"x" * 74, b"a", b"\r\n"]
    ),
    max_size=14,
).map(b"".join)  # fmt: skip
TYPES = st.sampled_from(
    [b"", b"Content-Type: text/plain; charset=utf-8\r\n", b"Content-Type: text/html; charset=iso-8859-1\r\n",
     b"Content-Type: application/octet-stream; name=x\r\n", b"Content-Type: image/png\r\n"]
)  # fmt: skip
ENCODINGS = st.sampled_from(
    [b"", b"Content-Transfer-Encoding: 8bit\r\n", b"content-transfer-encoding:\r\n BINARY\r\n",
     b"Content-Transfer-Encoding: 7bit\r\n" * 2]
)  # fmt: skip
LEAVES = st.builds(
    lambda kind, encoding, last, body: kind + encoding + last + b"\r\n" + body,
    TYPES,
    ENCODINGS,
    st.sampled_from([b"", b"Content-Disposition: attachment; filename=a.txt\r\n"]),
    LINES,
)


def wrapped(parts: list[bytes], kind: bytes, boundary: bytes, encoding: bytes) -> bytes:
    inside = b"".join(b"--%s\r\n%s\r\n" % (boundary, part) for part in parts)
    fields = b"Content-Type: multipart/%s; boundary=%s\r\n" % (kind, boundary)
    return fields + encoding + b"\r\n" + inside + b"--" + boundary + b"--\r\n"


CONTAINED = st.builds(
    wrapped,
    st.lists(LEAVES, min_size=1, max_size=3),
    st.sampled_from([b"alternative", b"related"]),
    st.sampled_from([b"inner", b"b2"]),
    ENCODINGS,
)
MESSAGES = st.builds(
    lambda front, entity: b"From: a@example.com\r\nSubject: x\r\n" + front + entity,
    st.sampled_from([b"", b"MIME-Version: 1.0\r\n"]),
    LEAVES
    | st.builds(
        wrapped,
        st.lists(LEAVES | CONTAINED, min_size=1, max_size=3),
        st.just(b"mixed"),
        st.sampled_from([b"outer", b"b"]),
        ENCODINGS,
    ),
)


def parts_of(content: bytes) -> tuple[Part, ...]:
    return read_parts(content, read_headers(content))


def unencoded_fields(content: bytes, part: Part) -> list[tuple[bytes, bytes]]:
    ours = (
        b"content-transfer-encoding",
        *((b"mime-version", b"content-type") if not part.within else ()),
    )
    fields = read_headers(content, part.head, part.start).fields
    return [(each.name, each.value) for each in fields if each.name not in ours]


@given(MESSAGES)
def test_every_part_decodes_to_what_it_was(content: bytes) -> None:
    made = seven_bit(content)
    if made is None:
        # Only what stands outside the parts, such as before the first boundary, keeps such a message 8-bit.
        outside = bytearray(content)
        for part in parts_of(content):
            outside[part.start : part.end] = b"x" * (part.end - part.start)
        assert not outside.isascii()
        return
    assert made.isascii()
    before, after = parts_of(content), parts_of(made)
    assert len(before) == len(after)
    for old, new in zip(before, after, strict=True):
        assert decode_part(made, new) == decode_part(content, old)
        assert (new.content_type, new.filename, len(new.within)) == (
            old.content_type,
            old.filename,
            len(old.within),
        )
        assert unencoded_fields(made, new) == unencoded_fields(content, old)
        assert (
            new.encoding in ("7bit", "quoted-printable", "base64")
            or content[old.start : old.end].isascii()
        )
        if not content[old.start : old.end].isascii():
            assert max(map(len, made[new.start : new.end].split(b"\r\n"))) <= 76
    assert seven_bit(made) is made


BOUNDARIES = ["=C3=BC", "=3D", "a=3D", "a=20", "b"]
DASHED = st.lists(
    st.sampled_from(["--", "ü", "=", "=C3=BC", "a", "b", " ", "\t", "\r\n", "\r\n--", "x" * 73, "text " * 20]),
    max_size=20,
).map("".join)  # fmt: skip


@given(st.sampled_from(BOUNDARIES), DASHED)
def test_encoding_makes_no_line_that_begins_with_two_dashes(boundary: str, text: str) -> None:
    quoted = b'"%s"' % boundary.encode()
    part = b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + text.encode()
    content = b"From: a@example.com\r\n" + wrapped([part], b"mixed", quoted, b"")
    content = content.replace(b"--" + quoted, b"--" + boundary.encode())
    made = seven_bit(content)
    assume(made is not None)
    assert made is not None
    before = {line for line in content.split(b"\r\n") if line.startswith(b"--")}
    assert {line for line in made.split(b"\r\n") if line.startswith(b"--")} <= before
    texts = [decode_part(content, part) for part in parts_of(content)]
    assert [decode_part(made, part) for part in parts_of(made)] == texts


@given(MESSAGES)
def test_multiparts_no_longer_say_that_they_are_8_bit(content: bytes) -> None:
    made = seven_bit(content)
    if made is None or content.isascii():
        return
    message = BytesParser(policy=policy.default).parsebytes(made)
    said = [part["content-transfer-encoding"] for part in message.walk() if part.is_multipart()]
    assert not [
        encoding for encoding in said if re.search("8bit|binary", str(encoding), re.IGNORECASE)
    ]
    assert message["mime-version"] == "1.0"
    assert message["content-type"] is not None
