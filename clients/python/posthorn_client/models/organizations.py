"""What operations on `/api/v2/organizations` send and answer.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

__all__ = [
    "LimitAction",
    "Organization",
    "OrganizationPage",
    "OrganizationToChange",
    "OrganizationToMake",
    "Suspension",
]

LimitAction = Literal["hold", "refuse"]
"""HOLD: mail above a limit is held and sent by itself, as places come free. REFUSE: it is not
accepted.
"""


class Organization(TypedDict):
    """A tenant of the installation."""

    id: int
    uuid: str
    permalink: str
    name: str
    time_zone: str
    pools: list[str]
    send_limit: int | None
    send_limit_day: int | None
    send_limit_month: int | None
    send_limit_action: LimitAction
    complaint_rate_limit: float | None
    bounce_rate_limit: float | None
    rate_limit_count: int | None
    require_second_factor: bool
    """Members without a second factor are let in nowhere."""
    created_at: str
    suspended_at: str | None
    suspension_reason: str | None


class OrganizationPage(TypedDict):
    """Organizations, newest first."""

    has_more: bool
    next_cursor: str | None
    """The `cursor` of the next page."""
    data: list[Organization]


class OrganizationToChange(TypedDict):
    """What may be changed of it."""

    name: NotRequired[str | None]
    time_zone: NotRequired[str | None]
    """An IANA name."""
    pools: NotRequired[list[str] | None]
    send_limit: NotRequired[int | None]
    """Messages in 60 minutes; null: any number."""
    send_limit_day: NotRequired[int | None]
    """Messages in 24 hours; null: any number."""
    send_limit_month: NotRequired[int | None]
    """Messages in a month, UTC; null: any number."""
    send_limit_action: NotRequired[LimitAction | None]
    """What becomes of mail above a limit: held and sent later, or refused."""
    complaint_rate_limit: NotRequired[float | None]
    """Percent of delivered mail that is complained about, above which new mail is held, with at most
    two decimals; null: none of its own.
    """
    bounce_rate_limit: NotRequired[float | None]
    """Percent of mail that does not reach its recipient, above which new mail is held, with at most
    two decimals; null: none of its own.
    """
    rate_limit_count: NotRequired[int | None]
    """Of fewer messages in 24 hours no rate is taken; null: as the wider owner has it."""
    require_second_factor: NotRequired[bool | None]
    """Members without a second factor are let in nowhere."""


class OrganizationToMake(TypedDict):
    """A new organization."""

    name: str
    permalink: NotRequired[str | None]
    """Made from the name when left out."""
    time_zone: NotRequired[str | None]
    """An IANA name."""
    pools: NotRequired[list[str] | None]
    send_limit: NotRequired[int | None]
    """Messages in 60 minutes; null: any number."""
    send_limit_day: NotRequired[int | None]
    """Messages in 24 hours; null: any number."""
    send_limit_month: NotRequired[int | None]
    """Messages in a month, UTC; null: any number."""
    send_limit_action: NotRequired[LimitAction | None]
    """What becomes of mail above a limit: held and sent later, or refused."""
    complaint_rate_limit: NotRequired[float | None]
    """Percent of delivered mail that is complained about, above which new mail is held, with at most
    two decimals; null: none of its own.
    """
    bounce_rate_limit: NotRequired[float | None]
    """Percent of mail that does not reach its recipient, above which new mail is held, with at most
    two decimals; null: none of its own.
    """
    rate_limit_count: NotRequired[int | None]
    """Of fewer messages in 24 hours no rate is taken; null: as the wider owner has it."""
    require_second_factor: NotRequired[bool | None]
    """Members without a second factor are let in nowhere."""


class Suspension(TypedDict):
    """Why mail is held."""

    reason: str
