"""Lists of API v2: `{"data", "has_more", "next_cursor"}`, newest first, page by page (api.md 1.4).

A cursor is good for one route, tenant and set of filters. The lists made here are short enough to be read whole.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from chalicelib.api.v2.admission import Call
from chalicelib.api.v2.objects import PageQuery
from chalicelib.api.v2.requests import invalid_at
from chalicelib.domain.errors import Rejected
from chalicelib.services.tenancy.cursors import Cursors

T = TypeVar("T")


def binding_of(call: Call, query: PageQuery) -> str:
    """What a cursor is good for: route, tenant or (without one) credential, and filters."""
    filters = query.model_dump(mode="json", exclude={"limit", "cursor"})
    whose = call.caller.key.id if call.tenant is None else call.tenant.name
    return repr((call.route.name, whose, sorted(filters.items())))


async def read_cursor(call: Call, query: PageQuery) -> str | None:
    """The position that the query's cursor stands for, None without one. InvalidRequest at /cursor."""
    if query.cursor is None:
        return None
    try:
        return await call.program[Cursors].read(binding_of(call, query), query.cursor)
    except Rejected as foreign:
        raise invalid_at("/cursor", "cursor", "was not given out for this list") from foreign


async def render_cursor(call: Call, query: PageQuery, position: str | None) -> str | None:
    """The cursor of a position, None at the end of the list."""
    if position is None:
        return None
    return await call.program[Cursors].render(binding_of(call, query), position)


async def page(
    call: Call,
    query: PageQuery,
    everything: Sequence[T],
    position: Callable[[T], str],
    shown: Callable[[T], Any],
    *,
    rising: bool = False,
) -> dict[str, Any]:
    """The members of a list's answer: of all items, in their order, the page that the query asks for.

    `position` gives texts that fall from item to item, or rise.
    """
    after = await read_cursor(call, query)
    rest = [
        one
        for one in everything
        if after is None or (position(one) > after if rising else position(one) < after)
    ]
    data = rest[: query.limit]
    more = len(rest) > query.limit
    return {
        "data": [shown(one) for one in data],
        "has_more": more,
        "next_cursor": await render_cursor(call, query, position(data[-1]) if more else None),
    }
