"""What is inside of what operations on `/api/v2/servers` send and answer.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

__all__ = [
    "Rate",
    "ServerMode",
    "SparedMessages",
    "SuppressionDays",
    "SuppressionDaysToSet",
    "UnknownOutcome",
]

Rate = Literal["complaint_rate", "bounce_rate"]
"""Wire words: of events, of `wait.code`, and in the names of fields."""


ServerMode = Literal["Live", "Development"]
"""Contract section 1.3."""


class SparedMessages(TypedDict):
    """Messages that are old enough, and stay as they are."""

    held: int
    waiting: int
    scheduled: int


class SuppressionDays(TypedDict):
    """For how long recipients are suppressed, by reason."""

    hard_fails: int | Literal["forever"]
    soft_fails: int | Literal["forever"]
    bounce: int | Literal["forever"]
    complaint: int | Literal["forever"]
    unsubscribe: int | Literal["forever"]
    manual: int | Literal["forever"]


class SuppressionDaysToSet(TypedDict):
    """Those to change, by reason; null is the default of that reason."""

    hard_fails: NotRequired[int | Literal["forever"] | None]
    soft_fails: NotRequired[int | Literal["forever"] | None]
    bounce: NotRequired[int | Literal["forever"] | None]
    complaint: NotRequired[int | Literal["forever"] | None]
    unsubscribe: NotRequired[int | Literal["forever"] | None]
    manual: NotRequired[int | Literal["forever"] | None]


UnknownOutcome = Literal["resend", "hold"]
"""What a server wants when the peer may already have the message (crash matrix rows 6 and 7).
"""
