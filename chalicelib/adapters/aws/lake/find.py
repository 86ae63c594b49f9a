"""A search in the lake: a page of candidates, or where the look ended."""

from __future__ import annotations

from collections.abc import AsyncIterator
from math import inf

from chalicelib.adapters.aws.lake.by_rows import by_rows
from chalicelib.adapters.aws.lake.by_terms import Narrow, by_terms
from chalicelib.adapters.aws.lake.footers import Footers
from chalicelib.adapters.aws.lake.objects import ROWS, TERMS, LakeObjects
from chalicelib.adapters.aws.lake.walk import Order, Step
from chalicelib.domain.model import Scope
from chalicelib.domain.search.index_terms import wanted_by
from chalicelib.domain.search.query import Query
from chalicelib.domain.search.received import received_within
from chalicelib.ports.mail_index import MOST_LOOKED_AT, Candidates

MOST_ROWS = 4_000_000  # read for a page


async def find(
    objects: LakeObjects,
    footers: Footers,
    server: int,
    scope: Scope | None,
    query: Query,
    limit: int,
    order: Order,
) -> Candidates:
    """Candidates of one server, behind a message; ObjectGone when objects were merged meanwhile."""
    wanted = wanted_by(query)
    listed = await objects.list(TERMS if wanted else ROWS)
    known = await footers.of([one for one in listed if one.may_hold(server)])
    span = received_within(query)
    since = -inf if span.low is None else span.low
    narrow = Narrow(server, scope, order, (since, inf if span.high is None else span.high))
    if wanted:
        return await _collect(by_terms(footers, known, narrow, wanted), limit, order)
    return await _collect(by_rows(footers, known, narrow, query), limit, order)


async def _collect(steps: AsyncIterator[Step], limit: int, order: Order) -> Candidates:
    """The first candidates of the steps; as few steps as that needs, and no more than are bearable."""
    places: list[int] = []
    looked_at = rows = 0
    at = None
    async for step in steps:
        places += step.places
        looked_at += step.looked_at
        rows += step.rows
        at = at if step.at is None else step.at
        if len(places) > limit or (len(places) == limit and step.until is not None):
            break
        if step.until is not None and (looked_at >= MOST_LOOKED_AT or rows >= MOST_ROWS):
            messages = tuple(map(order.message, places))
            return Candidates(messages, order.message(step.until - 1), at)
    else:
        return Candidates(tuple(map(order.message, places)))
    messages = tuple(map(order.message, places[:limit]))
    return Candidates(messages, messages[-1])
