"""What operations on `/api/v2/keys` send and answer.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from typing import NotRequired, TypedDict

__all__ = [
    "ManagementKey",
    "ManagementKeyMade",
    "ManagementKeyPage",
    "ManagementKeyToChange",
    "ManagementKeyToMake",
]


class ManagementKey(TypedDict):
    """A key for whoever manages. The key itself is shown once, when it is made."""

    id: str
    name: str
    organization: str | None
    """Null: a key of the installation."""
    servers: list[str] | None
    """Permalinks; null: all servers."""
    scopes: list[str]
    networks: list[str]
    expires_at: str | None
    hint: str
    """The last four characters."""
    created_by: str
    created_at: str
    last_used_at: str | None


class ManagementKeyPage(TypedDict):
    """Keys, newest first."""

    has_more: bool
    next_cursor: str | None
    """The `cursor` of the next page."""
    data: list[ManagementKey]


class ManagementKeyToChange(TypedDict):
    """What may be changed of it."""

    name: NotRequired[str | None]
    networks: NotRequired[list[str] | None]
    """None: from everywhere."""
    expires_at: NotRequired[str | None]


class ManagementKeyToMake(TypedDict):
    """A new key."""

    name: str
    scopes: list[str]
    servers: NotRequired[list[str] | None]
    networks: NotRequired[list[str] | None]
    """None: from everywhere."""
    expires_at: NotRequired[str | None]


class ManagementKeyMade(ManagementKey):
    """A key that was just made."""

    key: str
    """Shown here alone."""
