"""Comments in structured field values (RFC 5322 §3.2.2): text in round brackets, nested, with quoted pairs.

Quoted strings are not known: in the fields that are read so, none is legal. Linear, for any bytes, without a step of
Python for each octet.
"""

from __future__ import annotations

import re
from functools import reduce

DEEPEST = 20
_TEXT = rb"[^\\()]++|\\."
COMMENT = reduce(
    lambda inner, _: rb"\((?>" + _TEXT + rb"|" + inner + rb")*+\)",
    range(DEEPEST - 1),
    rb"\((?>" + _TEXT + rb")*+\)",
)
"""The pattern of one comment that is closed, for DOTALL; it has no groups."""
_PIECE = re.compile(
    rb"((?>" + _TEXT + rb"|\\\Z)++)|(?>\)|" + COMMENT + rb")++|\(.*+",
    re.DOTALL,
)


def without_comments(value: bytes) -> bytes:
    """What stands outside all comments. One that is not closed, or holds others more than 20 deep, reaches to the end;
    a bracket that closes none is left out."""
    return b"".join(_PIECE.findall(value))
