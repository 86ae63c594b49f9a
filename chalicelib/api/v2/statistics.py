"""The statistics of a server, or of an organization's servers together, with API v2."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from chalicelib.api.v2.admission import Call
from chalicelib.api.v2.fields import Instant
from chalicelib.api.v2.objects import Answer, Moment, Request
from chalicelib.api.v2.requests import invalid_at
from chalicelib.domain.figures import latency_of, rates_of
from chalicelib.domain.groups import MOST_VALUES, OTHERS, Dimension
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.periods import Period
from chalicelib.domain.statistics import Counts as Numbers
from chalicelib.domain.statistics import named_counts
from chalicelib.domain.traits import LONGEST_VALUE
from chalicelib.domain.webhook_counts import WebhookCount
from chalicelib.services.events.group_statistics import GroupStatistics
from chalicelib.services.events.statistics import MOST_SLOTS, Chart, ServerStatistics
from chalicelib.services.tenancy.organizations import Organizations
from chalicelib.services.tenancy.servers import Servers


class GroupBy(StrEnum):
    """By what is grouped."""

    TAG = "tag"
    DOMAIN = "domain"
    PROVIDER = "provider"
    STREAM = "stream"
    CREDENTIAL = "credential"
    CAUSE = "cause"
    SENDER_DOMAIN = "sender_domain"
    ROUTE = "route"
    WEBHOOK = "webhook"


BLANK = "[blank]"
_DOMAINS = (GroupBy.DOMAIN, GroupBy.SENDER_DOMAIN, GroupBy.PROVIDER)
_ONLY = [one.value for one in GroupBy if one is not GroupBy.WEBHOOK]


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
    group_by: GroupBy | None = Field(
        None,
        description="Answer groups over the whole range in place of slots: by the recipient's domain, by provider (who "
        "receives for it), and so on. Groups are counted by hours and days: a range of minutes is that of the hours "
        "that it touches.",
    )
    only: str | None = Field(
        None,
        max_length=500,
        pattern=f"^({'|'.join(_ONLY)}):",
        description=f"Count one group alone: `tag:welcome`, `domain:gmail.com`; `tag:{BLANK}` what has none. Not by "
        "minutes, and not with `group_by`.",
    )
    limit: int = Field(30, ge=1, le=100, description="How many groups at most.")


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
    latency: Annotated[Latency | None, Field(description="Null when nothing was sent.")]


GroupName = Annotated[
    str | None,
    Field(
        description=f"What they have in common, null for what has none. `{OTHERS}`: those that came when a day had "
        f"{MOST_VALUES} groups already."
    ),
]


class StatisticsGroup(Answer):
    """The counters of one group over the range."""

    group: GroupName
    counts: Counts
    rates: Rates
    latency: Annotated[Latency | None, Field(description="Null when nothing was sent.")]


class WebhookGroup(Answer):
    """Attempts at one webhook over the range."""

    group: GroupName
    delivered: Annotated[int, Field(description="Attempts that were answered with success.")]
    failed: int
    p95: Annotated[
        float | None,
        Field(description="Seconds within which 95 of a hundred attempts were over."),
    ]


class ServerCounts(Answer):
    """Counters of a range, seconds behind what happens: of slots, or of groups. Minutes are kept for two hours, hours
    for sixty days, days and months for good."""

    period: Period
    first: Annotated[Moment, Field(alias="from", description="When the first slot began.")]
    last: Annotated[Moment, Field(alias="to", description="When the last slot began.")]
    totals: Counts
    rates: Rates
    latency: Annotated[Latency | None, Field(description="Null when nothing was sent.")]
    data: list[StatisticsSlot | StatisticsGroup | WebhookGroup] = Field(
        max_length=MOST_SLOTS,
        description="Slots in which something was counted, oldest first; or groups, those with most outgoing messages "
        "first, of `cause` those with most failures.",
    )


async def show_statistics(call: Call, query: StatisticsQuery) -> ServerCounts:
    """Count what happened to messages of a server, or of all of an organization, by minute, hour, day or month."""
    servers = await _servers(call)
    asked = (query.period, _epoch(query.since), _epoch(query.until))
    if query.group_by is not None:
        return await _grouped(call, query, query.group_by, servers, asked)
    if query.only is None:
        chart = await call.program[ServerStatistics].chart(servers, *asked)
    else:
        chart = await call.program[GroupStatistics].chart(servers, _only(query.only), asked)
    slots = [
        {"at": start, "counts": named_counts(counts), "latency": latency_of(counts)}
        for start, counts in chart.slots
    ]
    return _answer(chart, (chart.first, chart.last), slots)


async def _grouped(
    call: Call,
    query: StatisticsQuery,
    group_by: GroupBy,
    servers: list[ServerId],
    asked: tuple[Period, float | None, float | None],
) -> ServerCounts:
    if query.only is not None:
        raise invalid_at("/only", "invalid", "cannot stand beside group_by")
    dimension = Dimension(group_by.value)
    table = await call.program[GroupStatistics].table(servers, dimension, asked, query.limit)
    chart = await call.program[ServerStatistics].chart(servers, *asked)
    shown = _webhook if group_by is GroupBy.WEBHOOK else _group
    return _answer(chart, (table.first, table.last), [shown(*one) for one in table.groups])


def _answer(chart: Chart, ends: tuple[int, int], data: Sequence[Any]) -> ServerCounts:
    sums = chart.totals
    return ServerCounts.model_validate(
        {
            "period": chart.period,
            "from": ends[0],
            "to": ends[1],
            "totals": named_counts(sums),
            "rates": rates_of(sums),
            "latency": latency_of(sums),
            "data": data,
        }
    )


def _group(name: str | None, counts: Numbers) -> StatisticsGroup:
    return StatisticsGroup.model_validate(
        {
            "group": name,
            "counts": named_counts(counts),
            "rates": rates_of(counts),
            "latency": latency_of(counts),
        }
    )


def _webhook(name: str | None, counts: Numbers) -> WebhookGroup:
    took = latency_of(counts)
    return WebhookGroup(
        group=name,
        delivered=counts.get(WebhookCount.DELIVERED, 0),
        failed=counts.get(WebhookCount.FAILED, 0),
        p95=None if took is None else took.p95,
    )


def _only(text: str) -> tuple[Dimension, str]:
    """The group of a word and a value."""
    word, _, value = text.partition(":")
    value = value[:LONGEST_VALUE]
    if value == BLANK:
        value = ""
    return Dimension(word), value.lower() if word in _DOMAINS else value


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
