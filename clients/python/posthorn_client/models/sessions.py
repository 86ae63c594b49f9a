"""What operations on `/api/v2/sessions` send and answer.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict

from posthorn_client.models.members import Role
from posthorn_client.models.users import User

__all__ = ["Membership", "Session", "SessionToOpen"]


class Membership(TypedDict):
    """What somebody is in an organization."""

    organization: str
    name: str
    """The name of the organization."""
    role: Role
    servers: list[str] | None
    """Permalinks; null: all servers."""
    read_content: bool


class Session(TypedDict):
    """A session of a person."""

    id: str
    user: User
    csrf_token: str
    """For the header `Posthorn-CSRF`."""
    memberships: list[Membership]
    created_at: str
    expires_at: str
    confirmed_at: str
    """When they last showed who they are."""


class SessionToOpen(TypedDict):
    """Address and password; or a ticket, with one of the second factors."""

    email: NotRequired[str | None]
    password: NotRequired[str | None]
    remember: NotRequired[bool | None]
    ticket: NotRequired[str | None]
    totp: NotRequired[str | None]
    recovery_code: NotRequired[str | None]
    passkey: NotRequired[dict[str, Any] | None]
