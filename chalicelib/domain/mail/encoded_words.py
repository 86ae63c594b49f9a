"""Text out of mail bytes: character sets, and the encoded words of RFC 2047.

Any bytes give some text: bytes that mean nothing in their character set become U+FFFD, and so does everything when the
set is unknown. Character sets come from a fixed table. Names from strangers never reach Python's codec registry, which
imports modules by name, remembers every miss, and knows codecs (`idna`, `unicode_escape`, `utf-7`) that are slow or
produce lone surrogates. Work is linear in the input and the text has no more characters than the input has bytes.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

# Charset name without punctuation → codec. Where senders commonly mean a superset, it is the superset.
_CODECS: dict[str, str] = {
    "usascii": "utf-8",
    "ascii": "utf-8",
    "ansix341968": "utf-8",
    "utf8": "utf-8",
    "unicode11utf8": "utf-8",
    "utf16": "utf-16",
    "utf16le": "utf-16-le",
    "utf16be": "utf-16-be",
    "utf32": "utf-32",
    "latin1": "cp1252",
    "iso88591": "cp1252",
    "iso88599": "cp1254",
    "iso885911": "cp874",
    "tis620": "cp874",
    "windows874": "cp874",
    "macintosh": "mac-roman",
    "macroman": "mac-roman",
    "koi8r": "koi8-r",
    "koi8u": "koi8-u",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "cp936": "gb18030",
    "gb18030": "gb18030",
    "hzgb2312": "hz",
    "big5": "cp950",
    "big5tw": "cp950",
    "cp950": "cp950",
    "big5hkscs": "big5hkscs",
    "shiftjis": "cp932",
    "sjis": "cp932",
    "xsjis": "cp932",
    "windows31j": "cp932",
    "cp932": "cp932",
    "eucjp": "euc-jp",
    "iso2022jp": "iso2022-jp-ext",
    "euckr": "cp949",
    "ksc56011987": "cp949",
    "ksc5601": "cp949",
    "cp949": "cp949",
    "iso2022kr": "iso2022-kr",
    **{f"iso8859{n}": f"iso8859-{n}" for n in (2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 15, 16)},
    **{f"windows{n}": f"cp{n}" for n in range(1250, 1259)},
    **{f"cp{n}": f"cp{n}" for n in (437, 850, 852, 855, 858, 866, *range(1250, 1259))},
}
_CODECS |= {"iso88598i": "iso8859-8", "iso88598e": "iso8859-8"}

_PUNCTUATION = str.maketrans("", "", "-_.: ")
_LONGEST_CHARSET = 40
# `charset?encoding?text`: no part may hold a question mark, so no byte is looked at more than a few times.
_ENCODED_WORD = re.compile(rb"=\?([^?\s]{1,60})\?([bBqQ])\?([^?\r\n]*)\?=")
_ONLY_SPACE = re.compile(rb"[ \t\r\n]*")
_PREPARED = re.compile(
    r"=\?([!-)+->@-~]+)(?:\*[!->@-~]*)?\?(?:[qQ]\?([!->@-~]*)|[bB]\?([A-Za-z0-9+/]*={0,2}))\?="
)
# ESC, SO and SI switch the alphabets of ISO 2022; any other control stands for itself in every known character set.
_HARMFUL = re.compile(rb"[\x00-\x0d\x10-\x1a\x1c-\x1f\x7f]")
# What some programs take for an encoded word: everything up to the next `?=`.
_LOOSE_WORD = re.compile(rb"=\?([^?]*)\?([bBqQ])\?(.*?)\?=", re.DOTALL)
_BREAKS = re.compile("[\x00\r\n]")
# Sets whose superset reads these bytes as letters, while the set that was named has controls there.
_C1_SETS = re.compile("latin1|iso8859[0-9ie]+|tis620")
_C1 = re.compile(rb"[\x80-\x9f]")
_UTF_7 = ("utf7", "unicode11utf7")
_FOLDS = re.compile(r"[\t\r\n]")
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class _Word(NamedTuple):
    """An encoded word: its character set without punctuation, and the bytes that it stands for."""

    charset: str
    payload: bytes


def decode_text(data: bytes, charset: str) -> str:
    """Bytes as text in a character set named by a stranger; U+FFFD for what cannot be read."""
    codec = _CODECS.get(plain_charset(charset))
    if codec is None:
        return data.decode("utf-8", "replace")
    return data.decode(codec, "replace")


def decode_eight_bit(data: bytes) -> str:
    """Bytes without a named character set: UTF-8 when they are, Latin-1 otherwise."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def has_harmful_word(text: str) -> bool:
    """True when some mail program could find an encoded word in the text that is malformed, in an unknown character
    set, or stands for control characters or line separators, alone or with its neighbours: decoded, it would be a
    second field, or makes a parser fail.

    Mail programs decode encoded words in places where RFC 2047 allows none, quoted strings and addresses too.
    """
    if "=?" not in text:
        return False
    if "=?" in _PREPARED.sub(" ", text):
        return True
    words = [_prepared_word(word) for word in _PREPARED.finditer(text)]
    return any(map(_is_harmful, words)) or any(map(_CONTROLS.search, _readings(words)))


def hides_line_break(value: bytes) -> bool:
    """True when an encoded word of a raw field value, read as generously as mail programs do, stands for CR, LF or
    NUL: decoded and written down again, such an address field would be several."""
    if b"=?" not in value:
        return False
    value = value.replace(b"\r\n", b"")
    # Behind the last `?=` no word ends; without it each word that does not end would be searched to the end.
    whole = value[: value.rfind(b"?=") + 2]
    words = [
        _Word(
            plain_charset(word[1].partition(b"*")[0].decode("latin-1")), _payload(word[2], word[3])
        )
        for word in _LOOSE_WORD.finditer(whole)
    ]
    return any(map(_BREAKS.search, _readings(words)))


def decode_header(value: bytes) -> str:
    """The text of a raw field value: unfolded, encoded words decoded (RFC 2047), controls replaced by U+FFFD.

    Never raises. Not for address fields before they are parsed: an encoded word may hold `<`, `,` or `@`.
    """
    value = value.strip(b" \t\r\n")
    text = decode_eight_bit(value)
    if "=?" not in text:
        return clean(text)
    return clean("".join(_decoded_pieces(value)))


def clean(text: str) -> str:
    """One line of text: folding white space as spaces, other control characters as U+FFFD."""
    if text.isprintable():
        return text
    return _CONTROLS.sub("\ufffd", _FOLDS.sub(" ", text.replace("\r\n", "")))


def _decoded_pieces(value: bytes) -> list[str]:
    """Plain and decoded pieces in order. Neighbouring words of one charset are joined before they are decoded,
    because senders split multi-byte characters between words; white space between words is dropped (RFC 2047 §6.2)."""
    pieces: list[str] = []
    pending, pending_charset, at = bytearray(), "", 0
    for word in _ENCODED_WORD.finditer(value):
        gap = value[at : word.start()]
        charset = word[1].partition(b"*")[0].decode("latin-1").lower()
        if pending_charset and (charset != pending_charset or not _ONLY_SPACE.fullmatch(gap)):
            pieces.append(decode_text(bytes(pending), pending_charset))
            pending.clear()
        if not (pending_charset and _ONLY_SPACE.fullmatch(gap)):
            pieces.append(decode_eight_bit(gap))
        pending += _payload(word[2], word[3])
        pending_charset, at = charset, word.end()
    if pending_charset:
        pieces.append(decode_text(bytes(pending), pending_charset))
    pieces.append(decode_eight_bit(value[at:]))
    return pieces


def _prepared_word(word: re.Match[str]) -> _Word:
    encoding, text = (b"b", word[3]) if word[2] is None else (b"q", word[2])
    return _Word(plain_charset(word[1]), _payload(encoding, text.encode()))


def _is_harmful(word: _Word) -> bool:
    if word.charset not in _CODECS or _HARMFUL.search(word.payload):
        return True
    return bool(_C1_SETS.fullmatch(word.charset) and _C1.search(word.payload))


def _readings(words: Iterable[_Word]) -> Iterator[str]:
    """What words say one by one, and what neighbours in one character set say together: characters are cut between
    words by some, and put together by others."""
    for charset, neighbours in groupby(words, key=attrgetter("charset")):
        payloads = [word.payload for word in neighbours]
        for payload in (*payloads, b"".join(payloads)):
            yield (
                payload.decode("utf-7", "replace")
                if charset in _UTF_7
                else decode_text(payload, charset)
            )


def plain_charset(name: str) -> str:
    """The name of a character set in lower case, without punctuation."""
    return name[:_LONGEST_CHARSET].lower().translate(_PUNCTUATION)


def _payload(encoding: bytes, text: bytes) -> bytes:
    if encoding in b"qQ":
        return binascii.a2b_qp(text, header=True)
    return decode_base64(text)


_NOT_BASE64 = bytes(
    set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=")
)


def decode_base64(data: bytes) -> bytes:
    """Base64 as mail has it: foreign characters skipped, the end at the first padding, what is complete kept."""
    digits = data.translate(None, _NOT_BASE64).partition(b"=")[0]
    if len(digits) % 4 == 1:
        digits = digits[:-1]
    return binascii.a2b_base64(digits + b"=" * (-len(digits) % 4))
