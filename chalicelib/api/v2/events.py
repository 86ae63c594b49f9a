"""What happened at a server during the last day, as bodies of webhooks in the format `v2` (api.md 2.18)."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import Field

from chalicelib.api.v2.admission import Call
from chalicelib.api.v2.fields import Instant
from chalicelib.api.v2.listing import read_cursor, render_cursor
from chalicelib.api.v2.objects import Answer, Moment, PageQuery
from chalicelib.api.v2.requests import invalid_at
from chalicelib.api.v2.route import route
from chalicelib.domain.errors import Rejected
from chalicelib.domain.occurrence import EventType
from chalicelib.ports.event_log import EventLog
from chalicelib.services.events.compose import ComposeEvents


class EventQuery(PageQuery):
    """Which events."""

    type: Annotated[EventType | None, Field(description="Only those of this type.")] = None
    since: Annotated[
        Instant | None, Field(description="Only those that happened then or later.")
    ] = None


class EventBody(Answer):
    """What happened; `data` has what its type tells."""

    id: Annotated[str, Field(description="A UUID, the same wherever the event is told.")]
    type: Annotated[str, Field(description="More may come.")]
    timestamp: Annotated[Moment, Field(description="When it happened.")]
    server: Annotated[str, Field(examples=["acme/mail"])]
    data: Annotated[
        dict[str, Any], Field(description="`email` and what goes with it, by the type.")
    ]


class EventPage(Answer):
    """One page, oldest first."""

    data: list[EventBody]
    has_more: Annotated[bool, Field(description="There are later ones already.")]
    next_cursor: Annotated[
        str, Field(description="The `cursor` that later events follow, also when there are none.")
    ]


async def list_events(call: Call, query: EventQuery) -> EventPage:
    """List what happened during the last 24 hours, oldest first."""
    # A place in the list is the same whenever one began to read.
    bound = query.model_copy(update={"since": None})
    try:
        page = await call.program[EventLog].page(
            call.server.id,
            position=await read_cursor(call, bound),
            since=query.since.timestamp() if query.since else None,
            kind=query.type,
            limit=query.limit,
        )
    except Rejected as error:
        raise invalid_at("/cursor", "cursor", "was not given out for this list") from error
    events = await call.program[ComposeEvents].compose(call.server.id, page.occurrences)
    cursor = await render_cursor(call, bound, page.position)
    return EventPage(
        data=[EventBody.model_validate(json.loads(one.v2)) for one in events if one.v2 is not None],
        has_more=page.has_more,
        next_cursor=cursor or "",
    )


ROUTES = (route("GET /events", list_events, EventPage, query=EventQuery, scope="emails:read"),)
