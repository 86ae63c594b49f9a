"""Places of a content changed, and nothing else in it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

_SHORT = 65_536


class Edit(NamedTuple):
    """`content[start:end]` becomes `new`. At `break_at` a line break changes nothing (-1: there is no such place)."""

    start: int
    end: int
    new: bytes
    break_at: int = -1


def spliced(content: bytes, edits: Iterable[Edit]) -> bytes:
    """The content with its edits, which are in order and do not overlap. Copied once."""
    # Slices of a view copy nothing; of a short content they would cost more than copies.
    view = memoryview(content) if len(content) > _SHORT else content
    at = 0
    pieces: list[bytes | memoryview] = []
    for start, end, new, _ in edits:
        pieces += view[at:start], new
        at = end
    pieces.append(view[at:])
    return b"".join(pieces)
