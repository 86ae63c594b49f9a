"""What operations on `/api/v2/audit` send and answer.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from typing import Any, TypedDict

__all__ = ["Actor", "AuditEntry", "AuditPage", "ChangedObject"]


class Actor(TypedDict):
    """Who made a change."""

    kind: str
    """`user`, `key` or `system`."""
    id: str | None
    name: str | None


class AuditEntry(TypedDict):
    """One change. Secrets are `***`, mail addresses `sha256:` and their hash."""

    id: str
    """Its number in the chain, without gaps."""
    at: str
    actor: Actor
    address: str
    action: str
    tenant: str | None
    object: ChangedObject
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    request_id: str
    previous: str
    """The hash of the entry before."""
    hash: str
    """SHA-256 of the RFC 8785 form of the entry without `hash`."""


class AuditPage(TypedDict):
    """Entries, newest first."""

    has_more: bool
    next_cursor: str | None
    """The `cursor` of the next page."""
    data: list[AuditEntry]


class ChangedObject(TypedDict):
    """What was changed; its id is what paths name it by."""

    type: str
    id: str
    name: str
