"""Counters in mail.db: a row for each slot and source, with the last number that was counted."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.mail_schema import MailDatabase
from chalicelib.adapters.storage.sequences import sortable
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.periods import Period
from chalicelib.domain.statistics import Addition, Counts, Slot, totals
from chalicelib.ports.clock import Clock
from chalicelib.ports.statistics import Statistics

if TYPE_CHECKING:
    import apsw

_COUNTED = (
    "SELECT last, counts FROM counters WHERE server = ? AND period = ? AND start = ? AND source = ?"
)
_COUNT = "INSERT OR REPLACE INTO counters VALUES (?, ?, ?, ?, ?, ?, ?)"
_READ = (
    "SELECT start, counts FROM counters WHERE server = ? AND period = ? AND start BETWEEN ? AND ?"
    " AND (keep_until IS NULL OR keep_until > ?) ORDER BY start"
)


class SqliteStatistics(Statistics):
    """The `Statistics` port over mail.db."""

    def __init__(self, database: MailDatabase, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def add(self, source: str, slot: Slot, additions: Sequence[Addition]) -> None:
        """Add what the slot has not seen from this source; see the port."""
        place = (slot.server, slot.period.value, slot.start, source)

        def add(db: apsw.Connection) -> None:
            rows = fetched(db, _COUNTED, place)
            last, counts = rows[0] if rows else ("", "{}")
            fresh = _after(last, additions)
            if fresh:
                total = totals([_counts(counts), *(one.counts for one in fresh)])
                text = json.dumps(total)
                newest = sortable(fresh[-1].sequence)
                fetched(db, _COUNT, (*place, newest, slot.keep_until, text))

        await self._database.write(add)

    async def read(
        self, server: ServerId, period: Period, first: int, last: int
    ) -> Sequence[tuple[int, Counts]]:
        """The slots that have counts, oldest first."""
        wanted = (server, period.value, first, last, self._clock.now())
        rows = self._database.read(lambda db: fetched(db, _READ, wanted))
        found: dict[int, list[Counts]] = {}
        for start, counts in rows:
            found.setdefault(start, []).append(_counts(counts))
        return [(start, totals(counts)) for start, counts in found.items()]


def _after(last: str, additions: Sequence[Addition]) -> Sequence[Addition]:
    """Those, of rising numbers, that come after the last one that was counted: nearly always all."""
    if additions and sortable(additions[0].sequence) > last:
        return additions
    return [one for one in additions if sortable(one.sequence) > last]


def _counts(text: Any) -> dict[str, int]:
    found: dict[str, int] = json.loads(text)
    return found
