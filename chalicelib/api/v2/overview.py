"""A server at a glance, and why its mail fails, with API v2 (api.md 2.14)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from chalicelib.api.v2.admission import Call
from chalicelib.api.v2.fields import Instant
from chalicelib.api.v2.listing import page
from chalicelib.api.v2.objects import Answer, ListAnswer, Moment, PageQuery
from chalicelib.api.v2.route import route
from chalicelib.domain.limits.limit import OwnerKind, Usage
from chalicelib.domain.model import Scope, Status
from chalicelib.domain.retention import Retention
from chalicelib.domain.statistics import Count
from chalicelib.domain.tenancy.send_limits import LimitAction
from chalicelib.services.events.attention import AttentionCode
from chalicelib.services.events.causes import (
    MOST_ANSWERS,
    SLOTS,
    CauseOfFailure,
    Causes,
)
from chalicelib.services.events.overview import ServerStatus, ShowOverview

MOST_LIMITS = 6


class DomainCounts(Answer):
    """Domains of the server by what was last found of their records."""

    ok: int
    failing: Annotated[int, Field(description="Not verified, or with records that are wrong.")]


class LastHour(Answer):
    """What was accepted in the last sixty minutes."""

    incoming: int
    outgoing: int
    per_minute: Annotated[float, Field(description="Outgoing.")]


class LimitUsed(Answer):
    """How much of a send limit is used."""

    owner: OwnerKind
    period: Literal["hour", "day", "month"]
    limit: int
    used: int
    action: LimitAction
    resets_at: Moment


class NeedsAttention(Answer):
    """Something that is not as it should be."""

    code: Annotated[
        str,
        Field(description=f"One of {', '.join(AttentionCode)}; others may come.", max_length=40),
    ]
    since: Annotated[Moment | None, Field(description="Null where nobody knows.")]
    count: Annotated[int, Field(description="Of how many things or messages it is true.")]
    detail: Annotated[str | None, Field(description="Which, or how much, for people.")]


class ServerOverview(Answer):
    """What waits at a server, what it sent, and what needs attention, most urgent first. Counts of messages end at
    1,000."""

    server: str
    status: ServerStatus
    domains: DomainCounts
    held: int
    queued: Annotated[int, Field(description="Tried, and to be tried again.")]
    scheduled: int
    bounce_rate: Annotated[
        float | None, Field(description="Of the mail of 30 days; null without any.")
    ]
    stored_bytes: Annotated[int, Field(description="Of the contents of its messages.")]
    stored_bytes_limit: Annotated[
        int | None, Field(description="Above it the oldest contents go; null for unlimited.")
    ]
    pool: Annotated[str, Field(description="Whose addresses its mail leaves from by default.")]
    last_hour: LastHour
    limits: list[LimitUsed] = Field(max_length=MOST_LIMITS)
    attention: list[NeedsAttention] = Field(max_length=len(AttentionCode))


async def show_overview(call: Call) -> ServerOverview:
    """Show a server at a glance."""
    server = call.server
    found = await call.program[ShowOverview].show(server)
    outgoing = found.last_hour.get(Count.OUTGOING, 0)
    return ServerOverview.model_validate(
        {
            "server": server.full_name,
            "status": found.status,
            "domains": {"ok": found.domains_ok, "failing": found.domains_failing},
            "held": found.held,
            "queued": found.queued,
            "scheduled": found.scheduled,
            "bounce_rate": found.bounce_rate,
            "stored_bytes": found.stored_bytes,
            "stored_bytes_limit": Retention.of(server).content_bytes,
            "pool": server.pool,
            "last_hour": {
                "incoming": found.last_hour.get(Count.INCOMING, 0),
                "outgoing": outgoing,
                "per_minute": round(outgoing / 60, 2),
            },
            "limits": [_limit(one) for one in found.limits],
            "attention": [NeedsAttention.model_validate(one) for one in found.attention],
        }
    )


class CausesQuery(PageQuery):
    """Which failures."""

    since: Instant | None = Field(
        None, alias="from", description="A time in the first hour. Without it: a day before."
    )
    until: Instant | None = Field(
        None, alias="to", description="A time in the last hour. Without it: now."
    )
    direction: Scope | None = None


class AnswerText(Answer):
    """Words of a receiving server; an address in them is only its domain."""

    text: str
    count: int


class Cause(Answer):
    """How often mail failed for one reason, with one status, at one provider."""

    cause: str
    direction: Scope
    status: Status
    provider: str | None
    count: int
    slots: list[int] = Field(
        min_length=SLOTS, max_length=SLOTS, description="How often in each twelfth of the range."
    )
    last_at: Moment | None
    answers: list[AnswerText] = Field(
        max_length=MOST_ANSWERS,
        description="What was said of the newest hundred messages that failed, wait and bounced; the most frequent "
        "first.",
    )


class CausePage(ListAnswer):
    """Causes, the most frequent first. A range is one of whole hours, or of days where it begins before sixty days."""

    data: list[Cause]


async def list_causes(call: Call, query: CausesQuery) -> CausePage:
    """List why mail failed, the most frequent reasons first."""
    since, until = (None if one is None else one.timestamp() for one in (query.since, query.until))
    found = await call.program[Causes].of(call.server.id, since, until, query.direction)
    members = await page(call, query, found, lambda one: one.position, _cause)
    return CausePage.model_validate(members)


def _cause(one: CauseOfFailure) -> dict[str, Any]:
    failure = one.failure
    return {
        "cause": failure.cause,
        "direction": failure.direction,
        "status": failure.status,
        "provider": failure.provider,
        "count": one.count,
        "slots": one.slots,
        "last_at": one.last_at,
        "answers": [{"text": text, "count": count} for text, count in one.answers],
    }


def _limit(usage: Usage) -> dict[str, Any]:
    limit = usage.limit
    return {
        "owner": limit.owner.kind,
        "period": limit.period,
        "limit": limit.most,
        "used": usage.used,
        "action": limit.action,
        "resets_at": usage.resets_at,
    }


ROUTES = (
    route("GET /overview", show_overview, ServerOverview, scope="statistics:read"),
    route(
        "GET /statistics/causes",
        list_causes,
        CausePage,
        query=CausesQuery,
        scope="statistics:read",
    ),
)
