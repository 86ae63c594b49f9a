"""What operations on `/api/v2/invitations` send and answer.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from typing import NotRequired, TypedDict

from posthorn_client.models.members import Role

__all__ = [
    "AcceptedInvitation",
    "Invitation",
    "InvitationMade",
    "InvitationPage",
    "InvitationToAccept",
    "InvitationToMake",
    "OfferedInvitation",
]


class AcceptedInvitation(TypedDict):
    """What one is a member of now."""

    organization: str


class Invitation(TypedDict):
    """An invitation of an address."""

    id: str
    email: str
    role: Role
    servers: list[str] | None
    """Permalinks; null: all servers."""
    read_content: bool
    invited_by: str
    created_at: str
    expires_at: str
    accepted_at: str | None


class InvitationPage(TypedDict):
    """Invitations, newest first."""

    has_more: bool
    next_cursor: str | None
    """The `cursor` of the next page."""
    data: list[Invitation]


class InvitationToAccept(TypedDict):
    """Who accepts: nothing of somebody who is signed in."""

    first_name: NotRequired[str | None]
    last_name: NotRequired[str | None]
    password: NotRequired[str | None]


class InvitationToMake(TypedDict):
    """A new invitation."""

    email: str
    role: Role
    servers: NotRequired[list[str] | None]
    """Permalinks; null: all servers."""
    read_content: NotRequired[bool | None]
    """Whether they read what mail says; null: as the role."""


class OfferedInvitation(TypedDict):
    """What the link of an invitation offers."""

    organization: str
    name: str
    """The name of the organization."""
    email: str
    role: Role
    expires_at: str
    has_account: bool
    """Whether to sign in to accept."""


class InvitationMade(Invitation):
    """An invitation that was just made."""

    url: NotRequired[str | None]
    """Its link, shown here alone, where the installation sends no mail."""
