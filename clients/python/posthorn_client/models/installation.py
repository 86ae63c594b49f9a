"""What operations on `/api/v2/installation` send and answer.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

from posthorn_client.models.domains import Record
from posthorn_client.models.jobs import JobStatus

__all__ = [
    "CheckPage",
    "CheckStatus",
    "FoundCheck",
    "Installation",
    "InstallationLoad",
    "InstallationToChange",
    "OidcService",
    "OidcSettings",
    "OidcToChange",
    "OpenJob",
    "QueueNow",
    "SmtpService",
]


class CheckPage(TypedDict):
    """Every check, what is worst first, in one answer."""

    has_more: bool
    next_cursor: str | None
    """The `cursor` of the next page."""
    data: list[FoundCheck]


CheckStatus = Literal["ok", "warning", "failing"]
"""How a check ended."""


class FoundCheck(TypedDict):
    """What a check found."""

    check: str
    status: CheckStatus
    since: str
    """Since when it ends so."""
    detail: str
    """What is wrong; empty where nothing is."""


class Installation(TypedDict):
    """What clients need to know of the installation."""

    version: str
    web_hostname: str
    smtp: SmtpService
    mx: list[str]
    return_path_domain: str
    route_domain: str
    track_domain: str
    spf_include: str
    scanners: list[str]
    max_message_size: int
    oidc: OidcService | None
    oidc_settings: OidcSettings | None
    """For operators alone, null for others."""
    notice: str | None
    """What operators tell all who use it."""
    records: list[Record] | None
    """What the installation itself is to have in DNS, as far as it knows its addresses: for operators
    alone, null for others. Nobody looked (`status` is null): the check `dns` does.
    """


class InstallationLoad(TypedDict):
    """What the installation is at. A part that could not be found out now is null."""

    queues: list[QueueNow] | None
    dead_letters: int | None
    """Wake-ups that failed too often and are not held yet."""
    outbox_lag: float | None
    """How many seconds the oldest change waits to be told; null also where nobody counts it."""
    jobs: list[OpenJob] | None
    """Jobs of all tenants that are not over, at most 100, oldest first."""
    has_more_jobs: bool


class InstallationToChange(TypedDict):
    """What may be changed of it."""

    oidc: NotRequired[OidcToChange | None]
    """The OpenID provider at which people sign in; null: none."""
    notice: NotRequired[str | None]
    """A text on one line."""


class OidcService(TypedDict):
    """Another service at which people sign in."""

    name: str


class OidcSettings(TypedDict):
    """The OpenID provider at which people sign in, but for its secret."""

    name: str
    issuer: str
    client_id: str
    scopes: list[str]
    create_domains: list[str]
    local_sign_in: bool
    has_client_secret: bool


class OidcToChange(TypedDict):
    """The provider as it is to be: what is left out stays as it is, or has its default."""

    name: NotRequired[str | None]
    issuer: NotRequired[str | None]
    client_id: NotRequired[str | None]
    client_secret: NotRequired[str | None]
    """Write only. Empty: it asks for none."""
    scopes: NotRequired[list[str] | None]
    create_domains: NotRequired[list[str] | None]
    """Who has a verified address of one of these is made a user."""
    local_sign_in: NotRequired[bool | None]
    """Whether people may sign in by password, too."""


class OpenJob(TypedDict):
    """A job of a tenant that is not over."""

    id: str
    tenant: str
    type: str
    status: JobStatus
    matched: int
    done: int
    failed: int
    created_by: str
    created_at: str


class QueueNow(TypedDict):
    """A queue of the installation."""

    pool: str
    messages: int
    """Wake-ups, those for later included."""
    oldest_seconds: float | None
    """How long the oldest that is due waits; null where nobody knows."""


class SmtpService(TypedDict):
    """Where mail is submitted by SMTP."""

    hostname: str
    submission: int
    submissions: int
