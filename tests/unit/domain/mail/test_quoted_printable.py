"""A line of quoted-printable is never longer than 76 octets, wherever a text is encoded."""

from __future__ import annotations

import base64
import quopri

import pytest

from chalicelib.domain.mail.compose import encode_text
from chalicelib.domain.mail.quoted_printable import quoted_printable


@pytest.mark.parametrize("length", range(70, 80))
@pytest.mark.parametrize("blank", [b"", b" ", b"\t"])
def test_no_line_is_too_long_and_none_is_altered(length: int, blank: bytes) -> None:
    text = b"x" * length + blank + b"\nGr\xc3\xbc\xc3\x9fe\n"
    quoted = quoted_printable(text)
    if quoted is not None:
        assert max(map(len, quoted.split(b"\n"))) <= 76
        assert quopri.decodestring(quoted) == text


def test_a_line_that_would_be_too_long_makes_a_composed_text_base64() -> None:
    text = "x" * 74 + " \nViele Gr\u00fc\u00dfe aus der Stadt am Rhein\n"
    assert quoted_printable(text.encode()) is None
    encoding, body = encode_text(text)
    assert encoding == "base64"
    assert base64.b64decode(body) == text.replace("\n", "\r\n").encode()
