"""Counters in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from chalicelib.adapters.storage.sequences import sortable
from chalicelib.domain.statistics import Addition, Count, Period, Slot, totals
from chalicelib.domain.tenancy.entities import ServerId
from chalicelib.ports.clock import Clock
from chalicelib.ports.statistics import Statistics


@dataclass(slots=True)
class _Counter:
    last: str = ""
    counts: dict[Count, int] = field(default_factory=dict)


class MemoryStatistics(Statistics):
    """The `Statistics` port in memory. What is over is not shown, and not removed either."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._counters: dict[tuple[Slot, str], _Counter] = {}

    async def add(self, source: str, slot: Slot, additions: Sequence[Addition]) -> None:
        """Add what the slot has not seen from this source; see the port."""
        numbered = [(sortable(one.sequence), one) for one in additions]
        counter = self._counters.get((slot, source), _Counter())
        fresh = [(number, one) for number, one in numbered if number > counter.last]
        if fresh:
            counts = totals([counter.counts, *(one.counts for _, one in fresh)])
            self._counters[slot, source] = _Counter(fresh[-1][0], counts)

    async def read(
        self, server: ServerId, period: Period, first: int, last: int
    ) -> Sequence[tuple[int, Mapping[Count, int]]]:
        """The slots that have counts, oldest first."""
        found: dict[int, list[Mapping[Count, int]]] = {}
        now = self._clock.now()
        for (slot, _), counter in self._counters.items():
            if slot.keep_until is not None and slot.keep_until <= now:
                continue
            if (slot.server, slot.period) == (server, period) and first <= slot.start <= last:
                found.setdefault(slot.start, []).append(counter.counts)
        return [(start, totals(found[start])) for start in sorted(found)]
