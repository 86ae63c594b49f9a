"""Bodies in segments given back: holes where they were, and segments removed once nothing in them is of use.

How many bytes there are of a server and a day is counted in the transaction that names them, so that no death makes it
wrong but for what was given back meanwhile. A body that no row names goes with its segment.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.mail_schema import MailDatabase
from chalicelib.adapters.sqlite.segments import Segments
from chalicelib.domain.durations import DAY
from chalicelib.domain.model import BlobRef
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.retention import day_of
from chalicelib.ports.contents import Contents, Existing

if TYPE_CHECKING:
    import apsw

_COUNT = (
    "INSERT INTO content_days(server, day, bytes) VALUES (?, ?, ?)"
    " ON CONFLICT DO UPDATE SET bytes = bytes + excluded.bytes"
)
_DAYS = "SELECT day, bytes FROM content_days WHERE server = ? ORDER BY day"
_LESS = "UPDATE content_days SET bytes = max(0, bytes - ?) WHERE server = ? AND day = ?"
_SET = "UPDATE content_days SET bytes = ? WHERE server = ? AND day = ?"
_OVER = "DELETE FROM content_days WHERE server = ? AND day = ?"
_LEFT = "SELECT DISTINCT day FROM content_days"
# A process may still be adding to the segment of yesterday, and a clock may be behind.
_SETTLED_SECONDS = 2 * DAY


class SegmentContents(Contents):
    """The `Contents` port over segments and mail.db."""

    def __init__(self, database: MailDatabase, segments: Segments) -> None:
        self._database = database
        self._segments = segments

    async def counted(self, server: ServerId) -> int:
        """One read."""
        return sum((await self.days(server)).values())

    async def days(self, server: ServerId) -> Mapping[str, int]:
        """One read."""
        return dict(self._database.read(lambda db: fetched(db, _DAYS, (server,))))

    async def existing(self, server: ServerId, day: str) -> Existing:
        """By the head of each."""
        return self._segments.has

    async def remove(
        self, server: ServerId, bodies: Collection[BlobRef], needed: Collection[BlobRef]
    ) -> list[str]:
        """Punch holes, then count what was there before as gone; every body has a place of its own."""
        gone = [one for one in set(bodies) - set(needed) if self._segments.has(one)]
        await asyncio.to_thread(self._segments.erase, gone)
        less: dict[str, int] = {}
        for one in gone:
            day = _day(one.key)
            less[day] = less.get(day, 0) + one.length

        def count(db: apsw.Connection) -> None:
            for day, size in less.items():
                fetched(db, _LESS, (size, server, day))

        if less:
            await self._database.write(count)
        return []

    async def size(self, key: str) -> int:
        """None is shared."""
        return 0

    async def drop(self, server: ServerId, key: str) -> None:
        """No place of several bodies is given back whole."""

    async def recount(
        self, server: ServerId, day: str, needed: Collection[BlobRef], now: float
    ) -> int:
        """Of what is named and there. A day that others may be adding to stays as it was counted."""
        if day >= day_of(now - _SETTLED_SECONDS):
            return dict(await self.days(server)).get(day, 0)
        left = sum(
            one.length for one in set(needed) if _day(one.key) == day and self._segments.has(one)
        )
        if left:
            await self._database.write(lambda db: fetched(db, _SET, (left, server, day)))
        else:
            await self._database.write(lambda db: fetched(db, _OVER, (server, day)))
        return left

    async def tidy(self, now: float) -> None:
        """Remove the segments of days that no server has anything of."""
        left = {day for (day,) in self._database.read(lambda db: fetched(db, _LEFT))}
        over = day_of(now - _SETTLED_SECONDS)
        await asyncio.to_thread(
            self._segments.remove_days, lambda day: day < over and day not in left
        )


def count_stored(db: apsw.Connection, server: ServerId, bodies: Collection[BlobRef]) -> None:
    """Count bodies that were appended, in the transaction that names them."""
    for day in {_day(one.key) for one in bodies}:
        size = sum(one.length for one in bodies if _day(one.key) == day)
        db.execute(_COUNT, (server, day, size))


def _day(key: str) -> str:
    return key[:8]
