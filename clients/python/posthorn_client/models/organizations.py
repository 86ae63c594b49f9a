"""What operations on `/api/v2/organizations` send and answer.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from typing import NotRequired, TypedDict

__all__ = [
    "Organization",
    "OrganizationPage",
    "OrganizationToChange",
    "OrganizationToMake",
    "Suspension",
]


class Organization(TypedDict):
    """A tenant of the installation."""

    id: int
    uuid: str
    permalink: str
    name: str
    time_zone: str
    pools: list[str]
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


class OrganizationToMake(TypedDict):
    """A new organization."""

    name: str
    permalink: NotRequired[str | None]
    """Made from the name when left out."""
    time_zone: NotRequired[str | None]
    """An IANA name."""
    pools: NotRequired[list[str] | None]


class Suspension(TypedDict):
    """Why mail is held."""

    reason: str
