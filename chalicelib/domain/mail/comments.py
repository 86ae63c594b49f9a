"""Comments in structured field values (RFC 5322 §3.2.2): text in round brackets, nested, with quoted pairs.

Quoted strings are not known: in the fields that are read so, none is legal. Linear, for any bytes.
"""

from __future__ import annotations

import re

_MARK = re.compile(rb"\\.|[()]|[^\\()]++|\\", re.DOTALL)


def without_comments(value: bytes) -> bytes:
    """What stands outside all comments. One that is not closed reaches to the end; a bracket that closes none is left
    out."""
    pieces, depth = [], 0
    for mark in _MARK.finditer(value):
        if mark[0] in (b"(", b")"):
            depth = max(0, depth + (1 if mark[0] == b"(" else -1))
        elif depth == 0:
            pieces.append(mark[0])
    return b"".join(pieces)
