"""What operations on `/api/v2/statistics` send and answer.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from typing import Literal, TypedDict

from posthorn_client.models.emails_parts import Scope, Status

__all__ = [
    "AnswerText",
    "Cause",
    "CausePage",
    "Counts",
    "Latency",
    "Period",
    "Rates",
    "ServerCounts",
    "StatisticsGroup",
    "StatisticsSlot",
    "WebhookGroup",
]


class AnswerText(TypedDict):
    """Words of a receiving server; an address in them is only its domain."""

    text: str
    count: int


class Cause(TypedDict):
    """How often mail failed for one reason, with one status, at one provider."""

    cause: str
    direction: Scope
    status: Status
    provider: str | None
    count: int
    slots: list[int]
    """How often in each twelfth of the range."""
    last_at: str | None
    answers: list[AnswerText]
    """What was said of the newest hundred messages that failed, wait and bounced; the most frequent
    first.
    """


class CausePage(TypedDict):
    """Causes, the most frequent first. A range is one of whole hours, or of days where it begins
    before sixty days.
    """

    has_more: bool
    next_cursor: str | None
    """The `cursor` of the next page."""
    data: list[Cause]


class Counts(TypedDict):
    """How many messages were accepted (`incoming`, `outgoing`) and held, how many attempts ended how,
    and how many bounces, opens and clicks came back. An attempt counts when it ended, so one
    message may count several times.
    """

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
    delays: int
    """Reports that a message is late."""


class Latency(TypedDict):
    """Seconds from accepted to sent within which so many of a hundred were, each within a tenth."""

    p50: float
    p90: float
    p95: float
    p99: float


Period = Literal["minute", "hour", "day", "month"]
"""How long a slot is."""


class Rates(TypedDict):
    """Parts of outgoing messages, each message once, from 0 to 1; null where the base is 0."""

    delivered: float | None
    """Sent, of those accepted."""
    bounced: float | None
    """Failed for good or bounced, of those accepted."""
    complained: float | None
    """Of those sent."""
    opened: float | None
    """By a person, of those sent."""
    clicked: float | None
    """By a person, of those sent."""


_ServerCounts = TypedDict("_ServerCounts", {"from": "str"})


class ServerCounts(_ServerCounts):
    """Counters of a range, seconds behind what happens: of slots, or of groups. Minutes are kept for
    two hours, hours for sixty days, days and months for good.
    """

    period: Period
    to: str
    """When the last slot began."""
    totals: Counts
    rates: Rates
    latency: Latency | None
    """Null when nothing was sent."""
    data: list[StatisticsSlot | StatisticsGroup | WebhookGroup]
    """Slots in which something was counted, oldest first; or groups, those with most outgoing messages
    first, of `cause` those with most failures.
    """


class StatisticsGroup(TypedDict):
    """The counters of one group over the range."""

    group: str | None
    """What they have in common, null for what has none. `[other]`: those that came when a day had 1000
    groups already.
    """
    counts: Counts
    rates: Rates
    latency: Latency | None
    """Null when nothing was sent."""


class StatisticsSlot(TypedDict):
    """The counters of one slot."""

    at: str
    """When it began."""
    counts: Counts
    latency: Latency | None
    """Null when nothing was sent."""


class WebhookGroup(TypedDict):
    """Attempts at one webhook over the range."""

    group: str | None
    """What they have in common, null for what has none. `[other]`: those that came when a day had 1000
    groups already.
    """
    delivered: int
    """Attempts that were answered with success."""
    failed: int
    p95: float | None
    """Seconds within which 95 of a hundred attempts were over."""
