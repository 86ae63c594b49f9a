"""What operations on `/api/v2/members` send and answer.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

__all__ = ["Member", "MemberPage", "MemberToAdd", "MemberToChange", "Role"]


class Member(TypedDict):
    """A user in an organization."""

    user: str
    """The user's id."""
    email: str
    name: str
    role: Role
    servers: list[str] | None
    """Permalinks; null: all servers."""
    read_content: bool
    """Whether they read what mail says."""
    second_factor: bool
    last_seen_at: str | None
    created_at: str


class MemberPage(TypedDict):
    """Members, newest first."""

    has_more: bool
    next_cursor: str | None
    """The `cursor` of the next page."""
    data: list[Member]


class MemberToAdd(TypedDict):
    """A user who becomes a member without being invited."""

    email: str
    role: Role
    servers: NotRequired[list[str] | None]
    """Permalinks; null: all servers."""
    read_content: NotRequired[bool | None]
    """Whether they read what mail says; null: as the role."""


class MemberToChange(TypedDict):
    """What may be changed of a member."""

    role: NotRequired[Role | None]
    servers: NotRequired[list[str] | None]
    """Permalinks; null: all servers."""
    read_content: NotRequired[bool | None]
    """Whether they read what mail says; null: as the role."""


Role = Literal["viewer", "member", "admin", "owner"]
"""What somebody is in an organization, from the least to the most."""
