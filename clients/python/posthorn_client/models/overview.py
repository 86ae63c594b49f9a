"""What operations on `/api/v2/overview` send and answer.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from typing import Literal, TypedDict

from posthorn_client.models.organizations import LimitAction

__all__ = [
    "DomainCounts",
    "LastHour",
    "LimitUsed",
    "NeedsAttention",
    "OwnerKind",
    "ServerOverview",
    "ServerStatus",
]


class DomainCounts(TypedDict):
    """Domains of the server by what was last found of their records."""

    ok: int
    failing: int
    """Not verified, or with records that are wrong."""


class LastHour(TypedDict):
    """What was accepted in the last sixty minutes."""

    incoming: int
    outgoing: int
    per_minute: float
    """Outgoing."""


class LimitUsed(TypedDict):
    """How much of a send limit is used."""

    owner: OwnerKind
    period: Literal["hour", "day", "month"]
    limit: int
    used: int
    action: LimitAction
    resets_at: str


class NeedsAttention(TypedDict):
    """Something that is not as it should be."""

    code: str
    """One of suspended, dns_failing, webhook_failing, endpoint_disabled, backlog, held, limit,
    complaint_rate, bounce_rate, key_expiring, source_suspended; others may come.
    """
    since: str | None
    """Null where nobody knows."""
    count: int
    """Of how many things or messages it is true."""
    detail: str | None
    """Which, or how much, for people."""


OwnerKind = Literal["organization", "server", "credential"]
"""Wire words, api.md 2.14."""


class ServerOverview(TypedDict):
    """What waits at a server, what it sent, and what needs attention, most urgent first. Counts of
    messages end at 1,000.
    """

    server: str
    status: ServerStatus
    domains: DomainCounts
    held: int
    queued: int
    """Tried, and to be tried again."""
    scheduled: int
    bounce_rate: float | None
    """Of the mail of 30 days; null without any."""
    stored_bytes: int
    """Of the contents of its messages."""
    stored_bytes_limit: int | None
    """Above it the oldest contents go; null for unlimited."""
    pool: str
    """Whose addresses its mail leaves from by default."""
    last_hour: LastHour
    limits: list[LimitUsed]
    attention: list[NeedsAttention]


ServerStatus = Literal["Live", "Development", "Suspended"]
"""Wire words."""
