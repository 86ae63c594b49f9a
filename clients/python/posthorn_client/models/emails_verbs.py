"""What operations on `/api/v2/emails/…` send and answer.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from typing import NotRequired, TypedDict

from posthorn_client.models.emails_parts import Status

__all__ = ["DeliveryEntry", "DeliveryLog", "Release", "Replay"]


class DeliveryEntry(TypedDict):
    """One attempt or change of state. What nobody was asked about is null."""

    id: int
    status: Status
    details: str
    output: str | None
    """The remote server's answer."""
    at: str
    seconds: float | None
    """How long it took."""
    sent_with_tls: bool
    tls: str | None
    """TLS version and cipher."""
    source: str | None
    """Where we sent from."""
    remote: str | None
    """Whom we sent to."""
    log_id: str | None
    cause: str | None
    """Why it failed, in one word; more words may come."""
    report: int | None
    """The report that says so."""


class DeliveryLog(TypedDict):
    """The log of one message, oldest first."""

    data: list[DeliveryEntry]


class Release(TypedDict):
    """How a held message is released."""

    allow: NotRequired[bool | None]
    """Take its recipient off the suppression list first: `suppressions:write`."""
    note: NotRequired[str | None]
    """Why."""


class Replay(TypedDict):
    """Where a received message goes."""

    endpoint: NotRequired[str | None]
    """To this endpoint, whatever routes say."""
