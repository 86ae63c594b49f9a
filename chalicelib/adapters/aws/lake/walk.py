"""Groups of rows read in the order of a search, some at a time, until somebody has enough.

A place is a message's number as the search sorts it: below zero where the newest comes first. Whatever lies before the
first place of the groups that are not read yet is known completely.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from chalicelib.adapters.aws.lake.footers import Footer, Group
from chalicelib.domain.numbering import MessageId

T = TypeVar("T")
MORE = 4
MOST_AT_ONCE = 32


@dataclass(frozen=True, slots=True)
class Order:
    """Which way numbers run, and behind which message a search goes on."""

    is_oldest_first: bool
    after: MessageId | None

    def place(self, message: int) -> int:
        return message if self.is_oldest_first else -message

    def message(self, place: int) -> MessageId:
        return MessageId(abs(place))

    def is_behind(self, place: int) -> bool:
        """Whether it is still to come."""
        return self.after is None or place > self.place(self.after)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A group of rows of an object, from its first place to its last."""

    footer: Footer
    group: Group
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Known(Generic[T]):
    """What was found before a place, in order, and how many rows were read for it; `until` is None when that is all
    there is."""

    found: dict[int, T]
    until: int | None
    rows: int


@dataclass(frozen=True, slots=True)
class Step:
    """Places that may be wanted, in order, of what is known before a place; how many were looked at and rows read for
    that, and when the last of them was received."""

    places: Sequence[int]
    until: int | None
    looked_at: int
    rows: int
    at: float | None


def stretch(order: Order, footer: Footer, group: Group) -> Stretch | None:
    """The group as a stretch, None where it lies before what is still to come."""
    ends = sorted((order.place(group.low), order.place(group.high)))
    return Stretch(footer, group, *ends) if order.is_behind(ends[1]) else None


async def walk(
    stretches: Sequence[Stretch],
    load: Callable[[Stretch], Awaitable[Mapping[int, T]]],
    merge: Callable[[T, T], T],
    first_rows: int,
) -> AsyncIterator[Known[T]]:
    """What the stretches hold, in order, each time as much as became known: from `first_rows`, then from more.
    `merge` decides between two things found at the same place."""
    waiting = sorted(stretches, key=lambda one: one.start)
    pending: dict[int, T] = {}
    budget = first_rows
    while waiting:
        count = _how_many(waiting, budget)
        for found in await asyncio.gather(*map(load, waiting[:count])):
            for place, one in found.items():
                pending[place] = merge(pending[place], one) if place in pending else one
        rows = sum(one.group.rows for one in waiting[:count])
        del waiting[:count]
        budget *= MORE
        until = waiting[0].start if waiting else None
        known = {
            place: pending[place] for place in sorted(pending) if until is None or place < until
        }
        pending = {place: one for place, one in pending.items() if place not in known}
        yield Known(known, until, rows)


def _how_many(waiting: Sequence[Stretch], budget: int) -> int:
    count = rows = 0
    for one in waiting[:MOST_AT_ONCE]:
        rows += one.group.rows
        if count and rows > budget:
            break
        count += 1
    return count
