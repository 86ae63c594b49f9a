"""The header block of a message, read on bytes: which fields there are and where they stand.

The block is split by one regular expression; nothing is decoded until someone asks. Any bytes can be read: a line that
is no field is stepped over, and stays in the message like every other byte. Lines end with CRLF; a bare CR or LF is a
character like any other. The scan is linear and stops after 1 MiB or 10,000 fields, which `truncated` tells: a message
whose header goes on beyond that must be refused, because a second From could hide there. Field syntax: RFC 5322 §2.2.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import NamedTuple

from chalicelib.domain.mail.encoded_words import clean, decode_eight_bit, decode_header

LONGEST_BLOCK = 1 << 20
MOST_FIELDS = 10_000
LONGEST_TEXT = 65_536

_FIELD_BREAK = re.compile(rb"\r\n(?![ \t])")
_NAME_CHARACTERS = bytes(set(range(33, 127)) - {ord(":")})  # RFC 5322 §3.6.8 ftext


class Field(NamedTuple):
    """One field. `value` is raw: folds included, the final CRLF not. `start` and `end` are offsets in the content,
    `end` after the CRLF, so that `content[start:end]` is the whole field."""

    name: bytes
    value: bytes
    start: int
    end: int


class Headers:
    """The fields of a header block in order; names are lower-case bytes. What is not asked for is not computed.

    `start` is the offset of the first field, `body_at` that of the body. `encoded` is False when no encoded word
    begins anywhere in the block."""

    __slots__ = (
        "_block_end",
        "_by_name",
        "_fields",
        "_pieces",
        "body_at",
        "encoded",
        "start",
        "truncated",
    )

    def __init__(
        self,
        pieces: list[bytes],
        start: int,
        block_end: int,
        body_at: int,
        truncated: bool,
        encoded: bool,
    ) -> None:
        self.body_at = body_at
        self.encoded = encoded
        self.truncated = truncated
        self._pieces = pieces
        self.start = start
        self._block_end = block_end
        self._by_name: dict[bytes, list[bytes]] | None = None
        self._fields: tuple[Field, ...] | None = None

    @property
    def fields(self) -> tuple[Field, ...]:
        """Every field with its offsets."""
        if self._fields is None:
            self._fields = tuple(_fields(self._pieces, self.start, self._block_end))
        return self._fields

    def count(self, name: bytes) -> int:
        """How many fields have this lower-case name."""
        return len(self.raw_values(name))

    def has_any(self, names: Collection[bytes]) -> bool:
        """Whether there is a field of one of these lower-case names."""
        return not (self._by_name or self._index()).keys().isdisjoint(names)

    def raw_values(self, name: bytes) -> list[bytes]:
        """The values of a field exactly as they stand, folds included, in order."""
        return (self._by_name or self._index()).get(name, [])

    def _index(self) -> dict[bytes, list[bytes]]:
        by_name: dict[bytes, list[bytes]] = {}
        for piece in self._pieces:
            # A line that is no field gets a name that no one asks for.
            found, colon, value = piece.partition(b":")
            if colon:
                by_name.setdefault(found.rstrip(b" \t").lower(), []).append(value)
        self._by_name = by_name
        return by_name

    def values(self, name: bytes) -> tuple[bytes, ...]:
        """The unfolded values of a field in order, without white space around them."""
        return tuple(map(unfold, self.raw_values(name)))

    def plain_texts(self, name: str) -> tuple[str, ...]:
        """Unfolded values as text with encoded words left alone: what address fields must be parsed from."""
        return tuple(clean(decode_eight_bit(value)) for value in self.values(name.lower().encode()))

    def last_text(self, name: str) -> str | None:
        """The decoded value of the last field of this name, of which 65,536 octets are looked at, or None."""
        values = self.raw_values(name.lower().encode())
        return decode_header(values[-1][:LONGEST_TEXT]) if values else None

    def texts(self) -> dict[str, list[str]]:
        """Every field decoded, by lower-case name (contract section 2.4)."""
        found: dict[str, list[str]] = {}
        for field in self.fields:
            found.setdefault(field.name.decode("ascii"), []).append(decode_header(field.value))
        return found


def read_headers(content: bytes, start: int = 0, end: int | None = None) -> Headers:
    """The header block that begins at `start`. It ends at the first empty line, or at `end` when there is none.

    `body_at` is the offset of the first body byte: `end` when there is no body. Never raises.
    """
    end = len(content) if end is None else end
    body_at = find_body(content, start, end)
    block_end = body_at - 2 if body_at < end or content.endswith(b"\r\n\r\n", start, end) else end
    scan_end = max(start, min(block_end, start + LONGEST_BLOCK))
    block = content[start:scan_end]
    pieces = split_fields(block)
    truncated = scan_end < block_end or len(pieces) > MOST_FIELDS
    if truncated:
        pieces.pop()  # cut off in the middle
    encoded = (
        block.find(b"=?") >= 0
    )  # `in` takes bytes for a number first, which costs more than to find them
    return Headers(pieces, start, scan_end, body_at, truncated, encoded)


def find_body(content: bytes, start: int, end: int) -> int:
    """The offset after the first empty line, `end` when there is none."""
    if content.startswith(b"\r\n", start, end):
        return start + 2
    at = content.find(b"\r\n\r\n", start, end)
    return end if at < 0 else at + 4


def split_fields(block: bytes) -> list[bytes]:
    """A block cut at the end of each field, CRLFs dropped. After 10,000 fields the rest comes in one piece."""
    return _FIELD_BREAK.split(block, MOST_FIELDS)


def unfold(value: bytes) -> bytes:
    """A raw value on one line (RFC 5322 §2.2.3), without white space around it."""
    return value.replace(b"\r\n", b"").strip(b" \t")


def _fields(pieces: list[bytes], at: int, end: int) -> Iterator[Field]:
    for piece in pieces:
        name, colon, value = piece.partition(b":")
        after = at + len(piece) + 2
        name = name.rstrip(b" \t")
        if colon and name and not name.translate(None, _NAME_CHARACTERS):
            yield Field(name.lower(), value, at, min(after, end))
        at = after
