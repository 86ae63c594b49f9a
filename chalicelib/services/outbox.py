"""After-effects of changes in the mail store: what has happened to messages is counted.

The store tells of every change at least once and in order; the counters take each change once (crash rule 9). So a run
that died half-way, or was done twice, leaves the same counts as one that was not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib.domain.statistics import additions
from chalicelib.ports.changes import ChangeReader
from chalicelib.ports.clock import Clock
from chalicelib.ports.statistics import Statistics


@dataclass(frozen=True, slots=True)
class Counted:
    """How many changes of messages and hits were read, and in how many slots they count."""

    changes: int
    slots: int


class Outbox:
    """Counts what changes tell."""

    def __init__(self, clock: Clock, changes: ChangeReader, statistics: Statistics) -> None:
        self._clock = clock
        self._changes = changes
        self._statistics = statistics

    async def run(self, source: str, records: Sequence[Mapping[str, Any]]) -> Counted:
        """Count the changes that records of one source tell of, in their order.

        Raises when a counter could not be written; running the same records again then counts the rest.
        """
        changes = await self._changes.read(records)
        by_slot = additions(changes, self._clock.now())
        done = await asyncio.gather(
            *(self._statistics.add(source, slot, added) for slot, added in by_slot.items()),
            return_exceptions=True,  # none may still be writing when the records are handed out again
        )
        for failure in done:
            if isinstance(failure, BaseException):
                raise failure
        return Counted(len(changes), len(by_slot))
