"""Candidates by the terms of a query.

The clause whose terms take up the least is walked along; the others take out what lacks their terms, where many are
left and reading their terms costs less than reading the messages.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from chalicelib.adapters.aws.lake.footers import Footer, Footers, Group
from chalicelib.adapters.aws.lake.tables import key_of
from chalicelib.adapters.aws.lake.walk import Known, Order, Step, Stretch, stretch, walk
from chalicelib.domain.model import Scope
from chalicelib.domain.search.index_terms import Wanted

FIRST_ROWS = 131_072  # of what many messages have, the newest are in few groups
FEW = 50  # messages that are read sooner than postings
MOST_STRETCHES = 64  # read to take something out
_COLUMNS = ("key", "message", "received_at", "is_incoming")


@dataclass(frozen=True, slots=True)
class Narrow:
    """What a search asks for."""

    server: int
    scope: Scope | None
    order: Order
    times: tuple[float, float]


class Postings:
    """The messages of one clause's terms."""

    def __init__(
        self, footers: Footers, known: Sequence[Footer], narrow: Narrow, wanted: Wanted
    ) -> None:
        self._footers = footers
        self._narrow = narrow
        self._keys = sorted(key_of(narrow.server, term) for term in wanted.terms)
        self._beginnings = sorted(key_of(narrow.server, one) for one in wanted.beginnings)
        made = [
            stretch(narrow.order, footer, group)
            for footer in known
            for group in footer.groups
            if self._may_hold(group)
        ]
        self.stretches = [one for one in made if one is not None]

    @property
    def rows(self) -> int:
        """At most so many rows are read for it."""
        return sum(one.group.rows for one in self.stretches)

    def walk(self) -> AsyncIterator[Known[float]]:
        """Places and times received, in order."""
        return walk(self.stretches, self.load, min, FIRST_ROWS)

    async def those_of(self, places: Collection[int]) -> set[int]:
        """Which of these places have one of the terms; all, where finding out costs too much."""
        ordered = sorted(places)
        near = [one for one in self.stretches if _any_between(ordered, one.start, one.end)]
        if len(near) > MOST_STRETCHES:
            return set(places)
        among = pa.array([self._narrow.order.message(place) for place in ordered], pa.int64())
        loaded = await asyncio.gather(*(self._load(one, among) for one in near))
        return {place for found in loaded for place in found}

    async def load(self, one: Stretch) -> dict[int, float]:
        """Places and times of a stretch."""
        return await self._load(one, None)

    async def _load(self, one: Stretch, among: pa.Array | None) -> dict[int, float]:
        table = await self._footers.read(one.footer, one.group, _COLUMNS)
        if among is not None:
            table = table.filter(pc.is_in(table["message"], value_set=among))
        table = table.filter(self._is_wanted(table))
        places = table["message"]
        if not self._narrow.order.is_oldest_first:
            places = pc.negate(places)
        return dict(zip(places.to_pylist(), table["received_at"].to_pylist(), strict=True))

    def _is_wanted(self, table: pa.Table) -> pa.ChunkedArray:
        key = table["key"]
        mask = pc.is_in(key, value_set=pa.array(self._keys, pa.string()))
        for beginning in self._beginnings:
            mask = pc.or_(mask, pc.starts_with(key, pattern=beginning))
        after, messages = self._narrow.order.after, table["message"]
        if after is not None:
            is_behind = pc.greater if self._narrow.order.is_oldest_first else pc.less
            mask = pc.and_(mask, is_behind(messages, after))
        if self._narrow.scope is not None:
            is_incoming = self._narrow.scope is Scope.INCOMING
            mask = pc.and_(mask, pc.equal(table["is_incoming"], is_incoming))
        return mask

    def _may_hold(self, group: Group) -> bool:
        since, until = self._narrow.times
        if group.until + 1 < since or group.since >= until:  # seconds are whole here
            return False
        return any(group.first <= key <= group.last for key in self._keys) or any(
            group.first[: len(one)] <= one <= group.last for one in self._beginnings
        )


def _any_between(ordered: Sequence[int], start: int, end: int) -> bool:
    at = bisect_left(ordered, start)
    return at < len(ordered) and ordered[at] <= end


async def by_terms(
    footers: Footers, known: Sequence[Footer], narrow: Narrow, wanted: Sequence[Wanted]
) -> AsyncIterator[Step]:
    """Places of what may be wanted."""
    first, *others = sorted((Postings(footers, known, narrow, one) for one in wanted), key=_rows)
    if not all(one.stretches for one in (first, *others)):
        return
    async for step in first.walk():
        places = list(step.found)
        for other in others:
            if len(places) > FEW:
                left = await other.those_of(places)
                places = [place for place in places if place in left]
        at = step.found[next(reversed(step.found))] if step.found else None
        yield Step(places, step.until, len(step.found), step.rows, at)


def _rows(postings: Postings) -> int:
    return postings.rows
