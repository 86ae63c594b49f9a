"""The counters of groups over a range of time: all groups of a dimension, or the slots of one group.

Groups are counted by hours and days: a range of minutes is read as the hours that it touches, one of months as its
days. The slots of one group can therefore not be minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chalicelib.domain.errors import FieldError, InvalidRequest
from chalicelib.domain.groups import Dimension, add_counts
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.periods import SECONDS, Period, start_of
from chalicelib.domain.statistics import Count, Counts
from chalicelib.domain.webhook_counts import WebhookCount
from chalicelib.ports.clock import Clock
from chalicelib.ports.group_counts import GroupCounts, Span
from chalicelib.services.events.statistics import (
    AT_A_TIME,
    Chart,
    Range,
    charted,
    range_of,
)
from chalicelib.services.gather import gather

MOST_DAYS = 1_100
"""A longer range of groups is not read: they are as many as there are values on each of its days."""
_FAILED = (Count.SOFT_FAILS, Count.HARD_FAILS, Count.BOUNCES, Count.HELD)


@dataclass(frozen=True, slots=True)
class GroupTable:
    """Groups with their counters, the largest first; `first` and `last` are the slots that were read, both inclusive.
    The name of what has no value is None."""

    first: int
    last: int
    groups: tuple[tuple[str | None, Counts], ...]


class GroupStatistics:
    """Reads what the outbox has counted by groups."""

    def __init__(self, clock: Clock, groups: GroupCounts) -> None:
        self._clock = clock
        self._groups = groups

    async def table(
        self,
        servers: Sequence[ServerId],
        dimension: Dimension,
        asked: tuple[Period, float | None, float | None],
        limit: int,
    ) -> GroupTable:
        """The sums of these servers for at most so many groups, over the slots of `range_of`. InvalidRequest."""
        span = self._span(self._range(*asked), None)
        sums: dict[str, dict[str, int]] = {}
        for parts in await self._read(servers, dimension, span):
            for value, by_part in parts.items():
                for counts in by_part.values():
                    add_counts(sums.setdefault(value, {}), counts)
        weight = _weight(dimension)
        largest = sorted(sums.items(), key=lambda one: (-weight(one[1]), one[0]))[:limit]
        named = tuple((value or None, counts) for value, counts in largest)
        return GroupTable(span.first, span.last, named)

    async def chart(
        self,
        servers: Sequence[ServerId],
        only: tuple[Dimension, str],
        asked: tuple[Period, float | None, float | None],
    ) -> Chart:
        """The sums of these servers for one group, in the slots of `range_of`. InvalidRequest."""
        slots = self._range(*asked)
        if slots.period is Period.MINUTE:
            raise _wrong("/period", "invalid", "Groups are counted by hours, days and months")
        dimension, value = only
        span = self._span(slots, SECONDS[slots.stored[0]])
        found = await self._read(servers, dimension, span, value)
        every = [slot for parts in found for slot in parts.get(value, {}).items()]
        return charted(slots, every)

    def _range(self, period: Period, since: float | None, until: float | None) -> Range:
        return range_of(period, since, until, self._clock.now())

    def _span(self, asked: Range, width: int | None) -> Span:
        """What is read for a range: in parts of this width, or as one."""
        period, last = asked.stored
        first = asked.first
        if period is Period.MINUTE:
            period, first, last = Period.HOUR, *(start_of(Period.HOUR, at) for at in (first, last))
        if period is Period.DAY and last - first >= MOST_DAYS * SECONDS[Period.DAY]:
            raise _wrong("/from", "too_long", f"Groups are read for at most {MOST_DAYS} days")
        return Span(period, first, last, width or last - first + SECONDS[period])

    async def _read(
        self,
        servers: Sequence[ServerId],
        dimension: Dimension,
        span: Span,
        value: str | None = None,
    ) -> list[dict[str, dict[int, Counts]]]:
        found: list[dict[str, dict[int, Counts]]] = []
        for at in range(0, len(servers), AT_A_TIME):
            read = await gather(
                self._groups.read(server, dimension, span, value)
                for server in servers[at : at + AT_A_TIME]
            )
            found += ({name: dict(parts) for name, parts in one.items()} for one in read)
        return found


def _weight(dimension: Dimension) -> Callable[[Counts], int]:
    """What puts a group before others: outgoing messages, failures of a cause, attempts of a webhook."""
    if dimension is Dimension.CAUSE:
        return lambda counts: sum(counts.get(one, 0) for one in _FAILED)
    if dimension is Dimension.WEBHOOK:
        return lambda counts: sum(counts.get(one, 0) for one in WebhookCount)
    return lambda counts: counts.get(Count.OUTGOING, 0)


def _wrong(pointer: str, code: str, detail: str) -> InvalidRequest:
    return InvalidRequest(detail, (FieldError(pointer, code, detail),))
