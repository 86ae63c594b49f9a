"""Character sets by the labels of the WHATWG Encoding standard."""

from __future__ import annotations

import pytest

from chalicelib.domain.mail import charsets
from chalicelib.domain.mail.charsets import labelled_text

TEXTS = [
    ("utf-8", b"Gr\xc3\xbc\xc3\x9fe", "Grüße"),
    (" UTF8 ", b"\xef\xbb\xbfx", "x"),
    ("us-ascii", b"Gr\xfc\xdfe \x93", "Grüße “"),
    ("iso-8859-1", b"\x80\x81", "€\x81"),
    ("latin1", b"\xfc", "ü"),
    ("windows-1253", b"\xe1\xaa", "\u03b1\ufffd"),
    ("koi8-r", b"\xf0", "П"),
    ("x-mac-cyrillic", b"\x80", "\u0410"),
    ("gb2312", b"\xc4\xe3", "你"),
    ("big5", b"\xa7\x41", "你"),
    ("shift_jis", b"\x93\xfa", "日"),
    ("iso-2022-jp", b"\x1b$BF|\x1b(B", "日"),
    ("euc-kr", b"\xc7\xd1", "한"),
    ("utf-16", b"a\0b\0", "ab"),
    ("utf-8", b"bad \xff\xfe", "bad \ufffd\ufffd"),
    ("", "é".encode(), "é"),
    ("", b"\xe9", "é"),
    ("utf-7", b"+AGE-", "+AGE-"),
    ("unicode_escape", b"\\ud800", "\\ud800"),
    ("x-nobody-knows", b"\xfc", "ü"),
    ("idna" * 100, b"\xc3\xbc", "ü"),
]


@pytest.mark.parametrize(("label", "data", "text"), TEXTS)
def test_a_label_and_its_text(label: str, data: bytes, text: str) -> None:
    assert labelled_text(data, label) == text


@pytest.mark.parametrize(
    "label",
    [
        "csiso2022kr", "hz-gb-2312", "iso-2022-cn", "iso-2022-cn-ext", "iso-2022-kr", "replacement", " ISO-2022-KR "
    ],
)  # fmt: skip
def test_what_the_standard_does_not_read_is_one_replacement_character(label: str) -> None:
    assert labelled_text(b"\x1b$)C\x0e!!<script>\x0f\r\nplain", label) == "\ufffd"
    assert labelled_text(b"", label) == ""


@pytest.mark.parametrize("label", charsets._CODECS)
def test_every_label_has_a_codec_that_fails_on_nothing(label: str) -> None:
    every = bytes(range(256)) + b"\xd8\x00\xdc\x00\x00\xd8"
    text = labelled_text(every, label)
    text.encode()
    assert len(text) <= len(every)
