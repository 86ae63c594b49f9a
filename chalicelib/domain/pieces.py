"""Whether a text is made of pieces that stand in this order, with any run of characters between two of them.

Linear in the text for each piece: a piece is searched once, from where the one before it ended, and nothing goes back.
"""

from __future__ import annotations

from collections.abc import Sequence


def fits(pieces: Sequence[str], text: str) -> bool:
    """Whether the text begins with the first of the pieces, ends with the last, and has the others between, none over
    another; one piece alone: is it."""
    first, last = pieces[0], pieces[-1]
    if len(pieces) == 1:
        return text == first
    at, end = len(first), len(text) - len(last)
    if end < at or not (text.startswith(first) and text.endswith(last)):
        return False
    for piece in pieces[1:-1]:
        found = text.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True
