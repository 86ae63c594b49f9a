"""Counters of groups on their way to another family of stores: the hours that are kept, and the days before them.

Everything of a server is one numbered addition after the other, in an order that does not change while nothing is
counted, so that a run that was stopped goes on, and one that is repeated counts nothing twice.
"""

from __future__ import annotations

from collections.abc import Iterator

from chalicelib.bootstrap import Posthorn
from chalicelib.domain.durations import DAY, HOUR
from chalicelib.domain.groups import HOURS_KEPT, Dimension, GroupAddition
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.periods import Period
from chalicelib.ports.clock import Clock
from chalicelib.ports.group_counts import GroupCounts, Parts, Span

SOURCE = "moved"
TOGETHER = 500
OLDEST = 3_650 * DAY


async def copy_groups(source: Posthorn, target: Posthorn, server: ServerId) -> None:
    """Bring what was counted of a server. What stood at its first hours may be counted by days alone there."""
    today = int(source[Clock].now()) // DAY * DAY
    oldest = today - (HOURS_KEPT - 1) * DAY  # of which every hour is kept
    spans = (
        Span(Period.DAY, max(0, today - OLDEST), oldest - DAY, DAY),
        Span(Period.HOUR, oldest, today + DAY - HOUR, HOUR),
    )
    for dimension in Dimension:
        number = 0
        for span in spans:
            parts = await source[GroupCounts].read(server, dimension, span)
            added = list(_additions(dimension, parts, number))
            number += len(added)
            for start in range(0, len(added), TOGETHER):
                some = added[start : start + TOGETHER]
                await target[GroupCounts].add(f"{SOURCE}/{dimension}", server, some)


def _additions(dimension: Dimension, parts: Parts, number: int) -> Iterator[GroupAddition]:
    for value, by_start in sorted(parts.items()):
        for start, counts in sorted(by_start.items()):
            number += 1
            yield GroupAddition(str(number), start, ((dimension, value),), counts)
