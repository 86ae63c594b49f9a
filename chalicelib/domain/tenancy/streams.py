"""Streams: kinds of mail of a server, which recipients unsubscribe from one by one (api.md 2.15)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from chalicelib.domain.model import TRANSACTIONAL
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.tenancy.entity import Entity, Place
from chalicelib.domain.tenancy.owners import of_server

BROADCAST = "broadcast"
BUILT_IN = (TRANSACTIONAL, BROADCAST)
"""The streams that every server has: they are stored once they were changed, and never removed."""

MOST_STREAMS = 20
LONGEST_STREAM = 40
_NAME = re.compile(rf"[a-z0-9-]{{1,{LONGEST_STREAM}}}")


class StreamType(StrEnum):
    """What a stream is for."""

    TRANSACTIONAL = "transactional"
    BROADCAST = "broadcast"

    @property
    def unsubscribes(self) -> bool:
        """Whether its mail gets one-click fields where nobody says otherwise."""
        return self is StreamType.BROADCAST


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream of a server. `unsubscribe`: mail that does not say otherwise gets one-click fields."""

    server_id: ServerId
    name: str
    type: StreamType
    created_at: int
    unsubscribe: bool = False


STREAMS = Entity(
    Stream,
    "stream",
    place=lambda one: Place(of_server(one.server_id), one.name),
    code="ST",
    audited="stream",
)


def is_stream_name(text: str) -> bool:
    """Whether a stream can have this name."""
    return _NAME.fullmatch(text) is not None


def built_in(server: ServerId, name: str) -> Stream:
    """A stream that a server has without making it, as long as nobody changed it."""
    kind = StreamType(name)
    return Stream(server, name, kind, 0, kind.unsubscribes)


def with_built_in(server: ServerId, stored: Iterable[Stream]) -> Mapping[str, Stream]:
    """The streams of a server by name: those that every server has first, then the stored ones by theirs."""
    known = {one.name: one for one in stored}
    first = {name: known.get(name) or built_in(server, name) for name in BUILT_IN}
    return first | {name: known[name] for name in sorted(known)}
