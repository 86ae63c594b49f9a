"""Which bodies are still there: each day is looked at once, and one of which nothing is stored not at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from chalicelib.domain.model import BlobRef
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.retention import day_in
from chalicelib.ports.contents import Contents, Existing

MOST_DAYS = 3


class There:
    """The bodies of one server, for one walk over its messages."""

    def __init__(self, contents: Contents, server: ServerId) -> None:
        self._contents = contents
        self._server = server
        self._days: Mapping[str, int] | None = None
        self._known: dict[str, Existing] = {}

    async def of(self, bodies: Iterable[BlobRef]) -> set[BlobRef]:
        """Those that are there."""
        if self._days is None:
            self._days = await self._contents.days(self._server)
        found: set[BlobRef] = set()
        for body in bodies:
            day = day_in(body.key)
            if body.length and day in self._days and (await self._day(day))(body):
                found.add(body)
        return found

    async def _day(self, day: str) -> Existing:
        if day not in self._known:
            while len(self._known) >= MOST_DAYS:
                del self._known[next(iter(self._known))]
            self._known[day] = await self._contents.existing(self._server, day)
        return self._known[day]
