"""What waits, with API v2 (api.md 2.11)."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from chalicelib.api.v2.admission import Call
from chalicelib.api.v2.objects import Answer, ListAnswer, Moment, Request
from chalicelib.api.v2.route import route
from chalicelib.domain.waits import WaitCode
from chalicelib.services.messages.waiting import (
    MOST_GROUPS,
    GroupOf,
    WaitingMail,
    by_domain,
    by_provider,
    by_reason,
)


class Waits(StrEnum):
    """Why messages are not done."""

    QUEUED = "queued"
    SCHEDULED = "scheduled"
    HELD = "held"


class Grouping(StrEnum):
    """By what messages are counted together."""

    DOMAIN = "domain"
    REASON = "reason"
    PROVIDER = "provider"


_GROUPS: dict[Grouping, GroupOf] = {
    Grouping.DOMAIN: by_domain,
    Grouping.REASON: by_reason,
    Grouping.PROVIDER: by_provider,
}


class QueueQuery(Request):
    """Which messages are counted."""

    status: Annotated[
        Waits, Field(description="What is to be tried again, what is scheduled, or held.")
    ] = Waits.QUEUED
    by: Annotated[
        Grouping,
        Field(
            description="The domain that they are for, for an endpoint its host; the code of `wait`; or who receives"
            " for the domain, where that is known."
        ),
    ] = Grouping.DOMAIN


class Queued(Answer):
    """What waits of one group."""

    waiting: int
    in_progress: Annotated[int, Field(description="Being tried now.")]
    oldest_at: Annotated[Moment | None, Field(description="When the oldest was accepted.")]
    next_attempt_at: Annotated[Moment | None, Field(description="Null when none is planned.")]
    last_reply: Annotated[str | None, Field(description="What was answered there last.")]


class QueuedDestination(Queued):
    """What waits for one domain, or one host of endpoints."""

    domain: Annotated[str, Field(validation_alias="name")]


class QueuedReason(Queued):
    """What waits for one reason."""

    reason: Annotated[WaitCode, Field(validation_alias="name")]


class QueuedProvider(Queued):
    """What waits for one provider."""

    provider: Annotated[str, Field(validation_alias="name")]


_MODELS: dict[Grouping, type[QueuedDestination | QueuedReason | QueuedProvider]] = {
    Grouping.DOMAIN: QueuedDestination,
    Grouping.REASON: QueuedReason,
    Grouping.PROVIDER: QueuedProvider,
}


class Queue(ListAnswer):
    """The fullest groups, most first, in one answer. A message counts once it was tried, which takes seconds; of
    more than 10,000 in a direction the newest count."""

    data: list[QueuedDestination | QueuedReason | QueuedProvider] = Field(max_length=MOST_GROUPS)


async def show_queue(call: Call, query: QueueQuery) -> Queue:
    """Show what waits, by the domain that it is for, by the reason, or by who receives."""
    waiting = call.program[WaitingMail]
    found = await waiting.grouped(call.server.id, query.status.value, _GROUPS[query.by])
    model = _MODELS[query.by]
    data = [model.model_validate(one) for one in found]
    return Queue(data=data, has_more=False, next_cursor=None)


ROUTES = (route("GET /queue", show_queue, Queue, query=QueueQuery, scope="emails:read"),)
