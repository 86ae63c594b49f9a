"""The streams of a server as people change them.

Two that every server has are not stored until somebody changes them, and stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from chalicelib.domain.errors import (
    Conflict,
    FieldError,
    InvalidRequest,
    NotFound,
    Taken,
    TooMany,
    wrong_field,
)
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.tenancy.entity import Place
from chalicelib.domain.tenancy.owners import of_server
from chalicelib.domain.tenancy.streams import (
    BUILT_IN,
    MOST_STREAMS,
    STREAMS,
    Stream,
    StreamType,
    built_in,
    is_stream_name,
    with_built_in,
)
from chalicelib.ports.acting import acting, who_acts
from chalicelib.ports.clock import Clock
from chalicelib.ports.repository import Repository

UNKNOWN = "This server has no such stream"
NO_NAME = "A stream's name has 1 to 40 lower-case letters, digits and hyphens"


class Streams:
    """Streams of servers."""

    def __init__(self, repository: Repository, clock: Clock) -> None:
        self._repository = repository
        self._clock = clock

    async def of(self, server: ServerId) -> list[Stream]:
        """All that a server has: those that every server has first, then the others by name."""
        stored = await self._repository.all(STREAMS, of_server(server))
        return list(with_built_in(server, stored).values())

    async def get(self, server: ServerId, name: str) -> Stream:
        """One by its name; NotFound."""
        try:
            return await self._repository.get(STREAMS, Place(of_server(server), name))
        except NotFound:
            if name not in BUILT_IN:
                raise
            return built_in(server, name)

    async def names(self, server: ServerId) -> set[str]:
        """The names of all that a server has."""
        return {one.name for one in await self.of(server)}

    async def check_known(self, server: ServerId, named: Mapping[str, str]) -> None:
        """InvalidRequest for streams that the server lacks, by where they are named: JSON pointers."""
        if not named:
            return
        known = await self.names(server)
        faults = [
            FieldError(at, "unknown_reference", UNKNOWN)
            for at, name in named.items()
            if name not in known
        ]
        if faults:
            raise InvalidRequest(UNKNOWN, tuple(faults))

    async def create(
        self, server: ServerId, name: str, kind: StreamType, unsubscribe: bool | None = None
    ) -> Stream:
        """A new stream, whose mail gets one-click fields if it is for broadcasts, unless that is said. InvalidRequest
        for what is no name, Taken, and TooMany for one more than MOST_STREAMS."""
        check_name(name)
        if name in BUILT_IN:
            raise Taken("name", f"Every server has the stream {name}")
        wanted = kind.unsubscribes if unsubscribe is None else unsubscribe
        made = Stream(server, name, kind, int(self._clock.now()), wanted)

        async def has_room() -> None:
            there = await self.of(server)
            if any(one.name == name for one in there):
                raise Taken("name", f"The server has a stream {name} already")
            if len(there) >= MOST_STREAMS:
                raise TooMany(f"A server has at most {MOST_STREAMS} streams")

        try:
            await self._repository.add(STREAMS, made, has_room)
        except Conflict as taken:
            if isinstance(taken, (Taken, TooMany)):
                raise
            raise Taken("name", f"The server has a stream {name} already") from taken
        return made

    async def change(self, server: ServerId, name: str, unsubscribe: bool) -> Stream:
        """Say whether mail of a stream gets one-click fields; NotFound."""
        before = await self.get(server, name)
        if before.unsubscribe is unsubscribe:
            return before
        if name in BUILT_IN and (first := await self._stored(before, unsubscribe)) is not None:
            return first
        place = Place(of_server(server), name)
        return await self._repository.modify(
            STREAMS, place, lambda one: replace(one, unsubscribe=unsubscribe)
        )

    async def default_of(self, server: ServerId, name: str) -> bool:
        """Whether mail of a stream gets one-click fields as long as nobody changes that; NotFound."""
        return (await self.get(server, name)).type.unsubscribes

    async def remove(self, server: ServerId, name: str) -> None:
        """Forget a stream: mail that names it still goes out. NotFound, and Conflict for one that every server has."""
        if name in BUILT_IN:
            raise Conflict(f"Every server has the stream {name}: it cannot be removed")
        await self._repository.remove(STREAMS, await self.get(server, name))

    async def _stored(self, before: Stream, unsubscribe: bool) -> Stream | None:
        """A stream that every server has, stored as it is changed first; None when it is stored already."""
        after, who = replace(before, unsubscribe=unsubscribe), who_acts()
        with acting(None if who is None else replace(who, verb="update")):
            try:
                await self._repository.add(STREAMS, after)
            except Conflict:
                return None
        return after


def check_name(name: str) -> None:
    """InvalidRequest for what cannot be the name of a stream."""
    if not is_stream_name(name):
        raise wrong_field("name", NO_NAME)
