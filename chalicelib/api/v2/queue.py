"""What waits, with API v2 (api.md 2.11)."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from chalicelib.api.v2.admission import Call
from chalicelib.api.v2.objects import Answer, ListAnswer, Moment, Request
from chalicelib.api.v2.route import route
from chalicelib.services.messages.waiting import MOST_DESTINATIONS, WaitingMail


class Waits(StrEnum):
    """Why messages are not done."""

    QUEUED = "queued"
    HELD = "held"


class QueueQuery(Request):
    """Which messages are counted."""

    status: Annotated[Waits, Field(description="What is to be tried again, or what is held.")] = (
        Waits.QUEUED
    )


class QueuedDestination(Answer):
    """What waits for one domain."""

    domain: str
    waiting: int
    in_progress: Annotated[int, Field(description="Being tried now.")]
    oldest_at: Annotated[Moment | None, Field(description="When the oldest was accepted.")]
    next_attempt_at: Annotated[Moment | None, Field(description="Null when none is planned.")]
    last_reply: Annotated[str | None, Field(description="What was answered there last.")]


class Queue(ListAnswer):
    """The fullest destinations, most first, in one answer. A message counts once it was tried, which takes seconds; of
    more than 10,000 the newest count."""

    data: list[QueuedDestination] = Field(max_length=MOST_DESTINATIONS)


async def show_queue(call: Call, query: QueueQuery) -> Queue:
    """Show what waits, by the domain that it is for."""
    found = await call.program[WaitingMail].by_destination(call.server.id, query.status.value)
    data = [QueuedDestination.model_validate(one) for one in found]
    return Queue(data=data, has_more=False, next_cursor=None)


ROUTES = (route("GET /queue", show_queue, Queue, query=QueueQuery, scope="emails:read"),)
