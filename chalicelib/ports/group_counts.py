"""Counters by tag, domain, provider and so on, beside those of a server as a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from chalicelib.domain.groups import Dimension, GroupAddition
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.periods import Period
from chalicelib.domain.statistics import Counts

Parts = Mapping[str, Mapping[int, Counts]]
"""Counters by value, and by the first second of the part of a span that they are of."""


@dataclass(frozen=True, slots=True)
class Span:
    """The hours or days that begin from `first` to `last` (epoch seconds, both inclusive), in parts of `width` seconds
    from `first` on."""

    period: Period
    first: int
    last: int
    width: int

    def part_of(self, start: int) -> int:
        """The first second of the part in which an hour or day lies."""
        return self.first + (start - self.first) // self.width * self.width


class GroupCounts(Protocol):
    """Counters that are exact although what feeds them may be replayed, as those of `Statistics`. On a day, a dimension
    has about MOST_VALUES values; those that come later count together as OTHERS. Hours are kept for HOURS_KEPT days,
    days for good."""

    async def add(self, source: str, server: ServerId, additions: Sequence[GroupAddition]) -> None:
        """Add to groups, each numbered addition of a source once; several may have one number, and come together then.

        Additions come in the order of their numbers (decimal, of any length). Those not above the last number that was
        taken of this source for the server have been counted before and change nothing. All the others are added
        together or, when this raises, not at all. A source therefore must not leave one out and bring it later.
        Rejected for a number that is none.
        """

    async def read(
        self, server: ServerId, dimension: Dimension, span: Span, value: str | None = None
    ) -> Parts:
        """The counters of each value in each part of the span, or those of one value; the empty text stands for what
        has none. May lag by seconds."""

    async def fold(self, server: ServerId) -> int:
        """Bring what was added into the form in which it is kept, a bounded amount; how much there was. May end
        anywhere, and be done twice at a time; nothing is counted twice or lost."""
