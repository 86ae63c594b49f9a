"""An address at which a file can be fetched without a key, for a while."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote

LONGEST_NAME = 100
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9 ._-]")


@dataclass(frozen=True, slots=True)
class FileLink:
    """Where bytes are, until when (epoch seconds)."""

    url: str
    until: int


def disposition(name: str) -> str:
    """The Content-Disposition of a file of this name, for programs old and new (RFC 6266), in ASCII. Of a name longer
    than LONGEST_NAME its end counts, which says what it is."""
    name = name[-LONGEST_NAME:]
    plain = _NOT_PLAIN.sub("_", name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='', errors='replace')}"
