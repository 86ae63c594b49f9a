"""What operations on `/api/v2/track-domains` send and answer.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

from posthorn_client.models.domains import Record

__all__ = [
    "Certificate",
    "TrackDomain",
    "TrackDomainPage",
    "TrackDomainToChange",
    "TrackDomainToMake",
]


class Certificate(TypedDict):
    """Whether links with https work there."""

    status: Literal["ok", "failing"]
    """`ok`: browsers take it."""
    detail: str
    """What is wrong, or soon will be; empty where nothing is."""
    checked_at: str
    ends_at: NotRequired[str | None]
    """When it ends; null where none was taken."""


class TrackDomain(TypedDict):
    """The name that links and images in the mail of one sending domain point to."""

    name: str
    """`{label}.{domain}`."""
    domain: str
    label: str
    host: str
    """What links show."""
    uuid: str
    created_at: str
    ssl_enabled: bool
    track_clicks: bool
    track_loads: bool
    excluded_click_domains: list[str]
    checked_at: str | None
    record: Record
    certificate: Certificate | None
    """What the last look found while the record was right; null before, and where links begin with
    http.
    """


class TrackDomainPage(TypedDict):
    """Track domains, newest first."""

    has_more: bool
    next_cursor: str | None
    """The `cursor` of the next page."""
    data: list[TrackDomain]


class TrackDomainToChange(TypedDict):
    """What may be changed of it."""

    ssl_enabled: NotRequired[bool | None]
    track_clicks: NotRequired[bool | None]
    track_loads: NotRequired[bool | None]
    excluded_click_domains: NotRequired[list[str] | None]
    """Hosts whose links stay as they are."""


class TrackDomainToMake(TypedDict):
    """A new track domain."""

    domain: str
    """A verified sending domain."""
    label: NotRequired[str | None]
    ssl_enabled: NotRequired[bool | None]
    track_clicks: NotRequired[bool | None]
    track_loads: NotRequired[bool | None]
    excluded_click_domains: NotRequired[list[str] | None]
    """Hosts whose links stay as they are."""
