"""Counters of groups in mail.db: a row for each value and hour, and one for each value and day.

What a source's batch adds is summed first, so that a row is written once for each batch, with the number of the last
addition in the same transaction.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.mail_schema import MailDatabase
from chalicelib.adapters.storage.sequences import sortable
from chalicelib.domain.durations import DAY
from chalicelib.domain.groups import (
    HOURS_KEPT,
    MOST_VALUES,
    OTHERS,
    Dimension,
    GroupAddition,
    spread,
    together,
)
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.periods import Period
from chalicelib.domain.statistics import Counts, totals
from chalicelib.ports.clock import Clock
from chalicelib.ports.group_counts import GroupCounts, Parts, Span

if TYPE_CHECKING:
    import apsw

_LAST = "SELECT last FROM group_sources WHERE server = ? AND source = ?"
_TAKE = "INSERT OR REPLACE INTO group_sources VALUES (?, ?, ?)"
_IN = "server = ? AND dimension = ? AND period = ? AND start = ?"
_COUNTED = f"SELECT counts FROM group_counts WHERE {_IN} AND value = ?"
_VALUES = f"SELECT count(*) FROM group_counts WHERE {_IN}"
_COUNT = "INSERT OR REPLACE INTO group_counts VALUES (?, ?, ?, ?, ?, ?, ?)"
_READ = (
    "SELECT start, value, counts FROM group_counts WHERE server = ? AND dimension = ? AND period = ?"
    " AND start BETWEEN ? AND ? AND (keep_until IS NULL OR keep_until > ?)"
)

_Place = tuple[int, str, str, int]
"""Server, dimension, period and start."""


class SqliteGroupCounts(GroupCounts):
    """The `GroupCounts` port over mail.db."""

    def __init__(self, database: MailDatabase, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def add(self, source: str, server: ServerId, additions: Sequence[GroupAddition]) -> None:
        """Add what was not taken from this source; see the port."""
        if not additions:
            return
        first, newest = sortable(additions[0].sequence), sortable(additions[-1].sequence)

        def add(db: apsw.Connection) -> None:
            rows = fetched(db, _LAST, (server, source))
            last = rows[0][0] if rows else ""
            fresh = additions  # nearly always all
            if first <= last:
                fresh = [one for one in additions if sortable(one.sequence) > last]
            if fresh:
                _Adding(db, server).add(fresh)
                fetched(db, _TAKE, (server, source, newest))

        await self._database.write(add)

    async def read(
        self, server: ServerId, dimension: Dimension, span: Span, value: str | None = None
    ) -> Parts:
        """The rows of a span, summed by part."""
        wanted = (server, dimension.value, span.period.value, span.first, span.last)
        values: tuple[object, ...] = (*wanted, self._clock.now())
        rows = self._database.read(
            lambda db: (
                fetched(db, _READ, values)
                if value is None
                else fetched(db, f"{_READ} AND value = ?", (*values, value))
            )
        )
        found: dict[str, dict[int, Counts]] = {}
        for start, name, counts in rows:
            parts, part = found.setdefault(name, {}), span.part_of(start)
            parts[part] = totals((parts.get(part, {}), json.loads(counts)))
        return found

    async def fold(self, server: ServerId) -> int:
        """They are kept as they are added."""
        return 0


class _Adding:
    """Adds a batch in one transaction."""

    def __init__(self, db: apsw.Connection, server: ServerId) -> None:
        self._db = db
        self._server = server
        self._values: dict[_Place, int] = {}

    def add(self, additions: Sequence[GroupAddition]) -> None:
        """Each sum to its hour and its day."""
        days: dict[tuple[Dimension, str, int], list[Counts]] = {}
        hours: list[tuple[Dimension, str, int, Counts]] = []
        for (dimension, value, hour), counts in spread(together(additions)).items():
            days.setdefault((dimension, value, hour // DAY * DAY), []).append(counts)
            hours.append((dimension, value, hour, counts))
        names: dict[tuple[Dimension, str, int], str] = {}
        for (dimension, value, day), parts in days.items():
            name = self._count((self._server, dimension.value, Period.DAY.value, day), value, parts)
            names[dimension, value, day] = name
        for dimension, value, hour, added in hours:
            # What has no group of its own on its day has none in its hours.
            name = names[dimension, value, hour // DAY * DAY]
            self._add((self._server, dimension.value, Period.HOUR.value, hour), name, [added])

    def _count(self, place: _Place, value: str, parts: list[Counts]) -> str:
        """Add to a day, and the value under which that is."""
        if place not in self._values:
            ((self._values[place],),) = fetched(self._db, _VALUES, place)
        known = fetched(self._db, _COUNTED, (*place, value))
        if not known and self._values[place] >= MOST_VALUES:
            return self._add(place, OTHERS, parts)
        if not known:
            self._values[place] += 1
        self._write(place, value, [*_read(known), *parts])
        return value

    def _add(self, place: _Place, value: str, parts: list[Counts]) -> str:
        known = fetched(self._db, _COUNTED, (*place, value))
        self._write(place, value, [*_read(known), *parts])
        return value

    def _write(self, place: _Place, value: str, parts: list[Counts]) -> None:
        ends = place[3] + HOURS_KEPT * DAY if place[2] == Period.HOUR else None
        counts = totals(parts) if len(parts) > 1 else parts[0]
        self._db.execute(_COUNT, (*place, value, ends, json.dumps(counts)))


def _read(rows: list[tuple[str]]) -> list[Counts]:
    return [json.loads(text) for (text,) in rows]
