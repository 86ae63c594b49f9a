"""What operations on `/api/v2/installation` send and answer.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from typing import Literal, TypedDict

__all__ = ["CheckPage", "CheckStatus", "FoundCheck", "Installation", "OidcService", "SmtpService"]


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


class OidcService(TypedDict):
    """Another service at which people sign in."""

    name: str


class SmtpService(TypedDict):
    """Where mail is submitted by SMTP."""

    hostname: str
    submission: int
    submissions: int
