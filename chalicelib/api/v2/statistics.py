"""The statistics of a server, or of an organization's servers together, with API v2."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from chalicelib.api.v2.admission import Call
from chalicelib.api.v2.fields import Instant
from chalicelib.api.v2.objects import Answer, Moment, Request
from chalicelib.domain.figures import latency_of, rates_of
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.periods import Period
from chalicelib.domain.statistics import named_counts
from chalicelib.services.events.statistics import MOST_SLOTS, ServerStatistics
from chalicelib.services.tenancy.organizations import Organizations
from chalicelib.services.tenancy.servers import Servers


class StatisticsQuery(Request):
    """Which counters."""

    period: Annotated[Period, Field(description="How long a slot is.")] = Period.HOUR
    since: Instant | None = Field(
        None,
        alias="from",
        description="A time in the first slot. Without it: an hour of minutes, a day of hours, a month of days, a year "
        "of months.",
    )
    until: Instant | None = Field(
        None, alias="to", description="A time in the last slot. Without it: now."
    )


class Counts(Answer):
    """How many messages were accepted (`incoming`, `outgoing`) and held, how many attempts ended how, and how many
    bounces, opens and clicks came back. An attempt counts when it ended, so one message may count several times."""

    incoming: int
    outgoing: int
    spam: int
    bounces: int
    held: int
    sent: int
    soft_fails: int
    hard_fails: int
    opens: int
    clicks: int
    complaints: int
    unsubscribes: int
    released: int
    delays: Annotated[int, Field(description="Reports that a message is late.")]


class Rates(Answer):
    """Parts of outgoing messages, each message once, from 0 to 1; null where the base is 0."""

    delivered: Annotated[float | None, Field(description="Sent, of those accepted.")]
    bounced: Annotated[
        float | None, Field(description="Failed for good or bounced, of those accepted.")
    ]
    complained: Annotated[float | None, Field(description="Of those sent.")]
    opened: Annotated[float | None, Field(description="By a person, of those sent.")]
    clicked: Annotated[float | None, Field(description="By a person, of those sent.")]


class Latency(Answer):
    """Seconds from accepted to sent within which so many of a hundred were, each within a tenth."""

    p50: float
    p90: float
    p95: float
    p99: float


class StatisticsSlot(Answer):
    """The counters of one slot."""

    at: Annotated[Moment, Field(description="When it began.")]
    counts: Counts


class ServerCounts(Answer):
    """Counters of a range, seconds behind what happens. Minutes are kept for two hours, hours for sixty days, days and
    months for good."""

    period: Period
    first: Annotated[Moment, Field(alias="from", description="When the first slot began.")]
    last: Annotated[Moment, Field(alias="to", description="When the last slot began.")]
    totals: Counts
    rates: Rates
    latency: Annotated[Latency | None, Field(description="Null when nothing was sent.")]
    data: list[StatisticsSlot] = Field(
        max_length=MOST_SLOTS, description="Slots in which something was counted, oldest first."
    )


async def show_statistics(call: Call, query: StatisticsQuery) -> ServerCounts:
    """Count what happened to messages of a server, or of all of an organization, by minute, hour, day or month."""
    chart = await call.program[ServerStatistics].chart(
        await _servers(call), query.period, _epoch(query.since), _epoch(query.until)
    )
    return ServerCounts.model_validate(
        {
            "period": chart.period,
            "from": chart.first,
            "to": chart.last,
            "totals": named_counts(chart.totals),
            "rates": rates_of(chart.totals),
            "latency": latency_of(chart.totals),
            "data": [
                {"at": start, "counts": named_counts(counts)} for start, counts in chart.slots
            ],
        }
    )


async def _servers(call: Call) -> list[ServerId]:
    """The server in which the call acts, or those of its organization that it reaches."""
    tenant = call.acts_in
    if tenant.server is not None:
        return [tenant.server.id]
    owner = await call.program[Organizations].get(tenant.permalink)
    known = await call.program[Servers].of(owner)
    return [server.id for server in known if call.caller.reaches_server(server)]


def _epoch(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()
