"""What operations on `/api/v2/statistics` send and answer.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from typing import Literal, TypedDict

__all__ = ["Counts", "Period", "ServerCounts", "StatisticsSlot"]


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


Period = Literal["minute", "hour", "day"]
"""How long a slot is."""


_ServerCounts = TypedDict("_ServerCounts", {"from": "str"})


class ServerCounts(_ServerCounts):
    """Counters of a range, seconds behind what happens. Minutes are kept for two hours, hours for
    sixty days.
    """

    period: Period
    to: str
    """When the last slot began."""
    totals: Counts
    data: list[StatisticsSlot]
    """Slots in which something was counted, oldest first."""


class StatisticsSlot(TypedDict):
    """The counters of one slot."""

    at: str
    """When it began."""
    counts: Counts
