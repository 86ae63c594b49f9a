"""Counters by server and time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from chalicelib.domain.numbering import ServerId
from chalicelib.domain.periods import Period
from chalicelib.domain.statistics import Addition, Counts, Slot


class Statistics(Protocol):
    """Counters that are exact although what feeds them may be replayed (crash rule 9)."""

    async def add(self, source: str, slot: Slot, additions: Sequence[Addition]) -> None:
        """Add to the counters of a slot, each numbered addition of a source once.

        Additions come in the order of their numbers (decimal, of any length). Those not above the last number that the
        slot has taken from this source have been counted before and change nothing, wherever a replay begins and ends.
        All the others are added together or, when this raises, not at all. A source therefore must not leave one out
        and bring it later. Rejected for a number that is none.
        """

    async def read(
        self, server: ServerId, period: Period, first: int, last: int
    ) -> Sequence[tuple[int, Counts]]:
        """The slots that have counts, by the epoch second of their start, from `first` to `last` inclusive, oldest
        first; summed over sources. Those whose time is over are left out. May lag by seconds."""
