"""Counts what has happened to messages: the consumer of the outbox behind the statistics.

The counters take each numbered change once (crash rule 9), so a run that died half-way, or was done twice, leaves the
same counts as one that was not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chalicelib.domain.changes import Change
from chalicelib.domain.statistics import additions
from chalicelib.ports.clock import Clock
from chalicelib.ports.statistics import Statistics
from chalicelib.services.gather import gather


class CountChanges:
    """Adds what changes tell to the counters."""

    def __init__(self, clock: Clock, statistics: Statistics) -> None:
        self._clock = clock
        self._statistics = statistics

    async def take(self, source: str, changes: Sequence[Change]) -> Mapping[str, int]:
        """Count changes of one source, in their order; in how many slots they count. Raises when a counter could not be
        written; taking the same changes again then counts the rest."""
        by_slot = additions(changes, self._clock.now())
        # None may still be writing when the changes come again.
        await gather(self._statistics.add(source, slot, new) for slot, new in by_slot.items())
        return {"slots": len(by_slot)}
