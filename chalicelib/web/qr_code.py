"""A text as a QR code: the path of an SVG of one square a module, in a view box of that many squares.

It is for addresses that an app's camera reads: what is no address, or longer than cameras read with ease, has none.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

LONGEST = 1_000
_QUIET = 4  # squares of nothing around it, as readers need


@dataclass(frozen=True, slots=True)
class QrCode:
    """How wide and high it is in squares, and the path of the dark ones."""

    size: int
    path: str


def qr_code(text: str) -> QrCode | None:
    """The code of a text; None for one that is empty, too long, or of other characters than addresses have."""
    if not 0 < len(text) <= LONGEST or not (text.isascii() and text.isprintable()):
        return None
    import segno  # with the first code, not with the first page

    # Nothing covers a part of it on a screen, and large squares are what cameras need.
    rows = segno.make_qr(text, error="l", boost_error=False).matrix
    dark = (_row(number, row) for number, row in enumerate(rows))
    return QrCode(len(rows) + 2 * _QUIET, "".join(dark))


def _row(number: int, row: bytearray) -> str:
    """The runs of dark squares of a row."""
    path, at = [], 0
    for is_dark, squares in itertools.groupby(row):
        length = len(list(squares))
        if is_dark:
            path.append(f"M{at + _QUIET} {number + _QUIET}h{length}v1h-{length}z")
        at += length
    return "".join(path)
