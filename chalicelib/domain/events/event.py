"""What customers are told of: an occurrence with the bodies that are made of it."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.domain.occurrence import Occurrence

LONGEST_BODY = 20_000
"""Octets of a body; agents and URLs in it are cut to 2,000."""


@dataclass(frozen=True, slots=True)
class Event:
    """An occurrence with its id and the exact bodies that webhooks of each format get, None where a format has no such
    event. `stream` and `tag` are the message's, None without one (and `tag` where it has none)."""

    id: str
    occurrence: Occurrence
    v2: bytes | None
    postal: bytes | None
    stream: str | None = None
    tag: str | None = None
