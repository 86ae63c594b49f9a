"""Content-Type and Content-Disposition values: the word in front and its parameters, decoded.

Parameters may be split and in a character set of their own (RFC 2231), in an encoded word (not allowed, common) or
unquoted with spaces (not allowed, common). Any text gives an answer; a parameter given twice keeps its first value, as
mail programs do. Linear in the input.
"""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

from chalicelib.domain.mail.encoded_words import clean, decode_eight_bit, decode_header, decode_text

_PARAMETER = re.compile(
    rb';[ \t]*+([^\s;=*"]++)(?:\*(\d{1,3}))?(\*?)[ \t]*+=[ \t]*+(?:"((?>[^"\\]+|\\.)*+)"?|([^;]*+))',
    re.DOTALL,
)
_NO_PARAMETER = re.compile(rb';(?>[^;"]+|"(?>[^"\\]+|\\.)*+"?)*+', re.DOTALL)
_QUOTED_PAIR = re.compile(rb"\\(.)", re.DOTALL)
_LONGEST = 65_536
_MOST = 200


def read_parameters(value: bytes) -> tuple[str, dict[str, str]]:
    """The lower-case word before the first `;` and the parameters by lower-case name, of an unfolded field value."""
    value = value[:_LONGEST]
    word, semicolon, _ = value.partition(b";")
    if not semicolon:
        return _word(word), {}
    whole: dict[str, str] = {}
    pieces: dict[str, dict[int, tuple[bool, bytes]]] = {}
    at, count = len(word), 0
    while at < len(value) and count < _MOST:
        match = _PARAMETER.match(value, at)
        if match is None:
            skipped = _NO_PARAMETER.match(value, at)
            at = skipped.end() if skipped else len(value)
            continue
        at, count = match.end(), count + 1
        _keep(match, whole, pieces)
        following = value.find(b";", at)
        at = following if following >= 0 else len(value)
    return _word(word), whole | {name: _joined(found) for name, found in pieces.items()}


def _word(word: bytes) -> str:
    return clean(decode_eight_bit(word)).strip().lower()


def _keep(
    match: re.Match[bytes],
    whole: dict[str, str],
    pieces: dict[str, dict[int, tuple[bool, bytes]]],
) -> None:
    name = decode_eight_bit(match[1]).lower()
    text = _QUOTED_PAIR.sub(rb"\1", match[4]) if match[4] is not None else match[5].strip()
    if match[2] is None and not match[3]:
        # A boundary is compared as bytes, so it is never decoded.
        plain = text.decode("latin-1") if name == "boundary" else decode_header(text)
        whole.setdefault(name, plain)
    else:
        pieces.setdefault(name, {}).setdefault(int(match[2] or 0), (bool(match[3]), text))


def _joined(pieces: dict[int, tuple[bool, bytes]]) -> str:
    """Continuations in order, percent-decoded where marked, in the charset that the first names (RFC 2231 §4.1)."""
    data, charset = bytearray(), ""
    for number, (extended, piece) in sorted(pieces.items()):
        text = piece
        if extended and number == min(pieces) and text.count(b"'") >= 2:
            name, _, text = text.split(b"'", 2)
            charset = name.decode("latin-1")
        data += unquote_to_bytes(text) if extended else text
    return decode_text(bytes(data), charset) if charset else decode_eight_bit(bytes(data))
