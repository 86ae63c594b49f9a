"""Text out of header values: encoded words, character sets, and what strangers make of them."""

from __future__ import annotations

import encodings
from email.header import Header

import pytest

from chalicelib.domain.mail.encoded_words import decode_header, decode_text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"", ""),
        (b" plain ", "plain"),
        (b"=?utf-8?q?caf=C3=A9?=", "café"),
        (b"=?UTF-8?B?w6k=?=", "é"),
        (b"=?utf-8?b?w6k?=", "é"),
        (b"a =?utf-8?q?b?= c", "a b c"),
        (b"=?utf-8?q?a?= =?utf-8?q?b?=", "ab"),
        (b"=?utf-8?q?a?=\r\n =?utf-8?q?b?=", "ab"),
        (b"=?utf-8?q?a?==?utf-8?q?b?=", "ab"),
        (b"=?utf-8?q?=C3?= =?utf-8?b?qQ==?=", "é"),
        (b"=?iso-8859-1?q?=E9?= =?utf-8?q?=C3=A9?=", "éé"),
        (b"=?iso-8859-1*fr?q?=E9?=", "é"),
        (b"=?utf-8?q?a_b?=", "a b"),
        (b"=?utf-8?q?not closed", "=?utf-8?q?not closed"),
        (b"=?utf-8?x?a?=", "=?utf-8?x?a?="),
        (b"=?iso-2022-jp?b?GyRCRnxLXBsoQg==?=", "日本"),
        (b"=?gb2312?b?xOO6ww==?=", "你好"),
        (b"=?windows-1252?q?=80?=", "€"),
        (b"caf\xc3\xa9", "café"),
        (b"caf\xe9", "café"),
        (b"caf\xe9 =?utf-8?q?=C3=A9?=", "café é"),
        (b"a\r\n b\r\n\tc", "a b c"),
    ],
)  # fmt: skip
def test_values_become_text(value: bytes, text: str) -> None:
    assert decode_header(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"a\x00b\x1b[31m\x7f", "a\ufffdb\ufffd[31m\ufffd"),
        (b"=?utf-8?q?a=0D=0ABcc:_x?=", "aBcc: x"),
        (b"=?utf-8?q?a=0Ab?=", "a b"),
        (b"=?utf-8?q?=E2=80=A8?=", "\ufffd"),
        (b"=?utf-8?q?=C2=85?=", "\ufffd"),
        (b"=?utf-8?q?=ED=A0=80?=", "\ufffd\ufffd\ufffd"),
        (b"=?utf-16-le?b?ANg=?=", "\ufffd"),
        (b"=?utf-7?q?+2AA-?=", "+2AA-"),
        (b"=?unicode_escape?q?=5Cud800?=", "\\ud800"),
    ],
)
def test_controls_and_surrogates_do_not_survive(value: bytes, text: str) -> None:
    assert decode_header(value) == text


def test_every_codec_of_python_is_harmless_as_a_charset() -> None:
    for name in {
        *encodings.aliases.aliases,
        *encodings.aliases.aliases.values(),
        "idna",
        "punycode",
        "undefined",
    }:
        text = decode_header(b"=?" + name.encode() + b"?q?=ff=fe+2AA-xn--=80?=")
        text.encode("utf-8")
        assert len(text) <= 40


@pytest.mark.parametrize(
    "name", ["zip", "hex", "rot13", "base64", "idna", "utf-7", "", "x" * 500, "../etc", "é"]
)
def test_unknown_charsets_are_read_as_utf8(name: str) -> None:
    assert decode_text("é".encode() + b"\xff", name) == "é\ufffd"


@pytest.mark.parametrize(
    "charset", ["utf-8", "iso-8859-1", "iso-8859-15", "koi8-r", "windows-1251", "euc-jp", "big5"]
)
def test_what_python_encodes_is_decoded(charset: str) -> None:
    texts = {"koi8-r": "Привет", "windows-1251": "Привет", "euc-jp": "日本語", "big5": "中文"}
    text = texts.get(charset, "Crème brûlée") + " and a long tail of words that needs folding, " * 3
    encoded = Header(text.strip(), charset=charset).encode(linesep="\r\n").encode()
    assert decode_header(encoded) == text.strip()
