"""An address at which a file can be fetched without a key, for a while."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FileLink:
    """Where bytes are, until when (epoch seconds)."""

    url: str
    until: int
