"""What operations on `/api/v2/users` send and answer.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from typing import NotRequired, TypedDict

__all__ = ["Subject", "User", "UserPage", "UserToChange", "UserToMake"]


class Subject(TypedDict):
    """Whom an OpenID provider says somebody is."""

    issuer: str
    subject: str


class User(TypedDict):
    """A person who signs in."""

    id: str
    email: str
    first_name: str
    last_name: str
    time_zone: str
    admin: bool
    """Operates the installation."""
    totp: bool
    """Whether an app makes codes for it."""
    passkeys: int
    """How many there are."""
    oidc: Subject | None
    created_at: str
    last_seen_at: str | None


class UserPage(TypedDict):
    """Users, newest first."""

    has_more: bool
    next_cursor: str | None
    """The `cursor` of the next page."""
    data: list[User]


class UserToChange(TypedDict):
    """What may be changed of a user."""

    email: NotRequired[str | None]
    first_name: NotRequired[str | None]
    last_name: NotRequired[str | None]
    time_zone: NotRequired[str | None]
    """An IANA name."""
    admin: NotRequired[bool | None]
    password: NotRequired[str | None]


class UserToMake(TypedDict):
    """A new user."""

    email: str
    first_name: NotRequired[str | None]
    last_name: NotRequired[str | None]
    time_zone: NotRequired[str | None]
    """An IANA name."""
    admin: NotRequired[bool | None]
    password: NotRequired[str | None]
    """Left out: a link to choose one is mailed."""
