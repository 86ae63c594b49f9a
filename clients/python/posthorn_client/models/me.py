"""What operations on `/api/v2/me` send and answer.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

from posthorn_client.models.users import Subject

__all__ = [
    "Me",
    "MeToChange",
    "OwnSession",
    "OwnSessionPage",
    "Preferences",
    "PreferencesToChange",
    "Theme",
]


class Me(TypedDict):
    """The user who is signed in."""

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
    preferences: Preferences


class MeToChange(TypedDict):
    """What one may change of oneself. A new address is in force when the link that is mailed to it was
    followed.
    """

    email: NotRequired[str | None]
    first_name: NotRequired[str | None]
    last_name: NotRequired[str | None]
    time_zone: NotRequired[str | None]
    """An IANA name."""
    password: NotRequired[str | None]
    current_password: NotRequired[str | None]
    """Needed to change `email` or `password`."""
    preferences: NotRequired[PreferencesToChange | None]


class OwnSession(TypedDict):
    """A session of oneself."""

    id: str
    created_at: str
    last_seen_at: str
    address: str
    user_agent: str
    current: bool


class OwnSessionPage(TypedDict):
    """Sessions, newest first."""

    has_more: bool
    next_cursor: str | None
    """The `cursor` of the next page."""
    data: list[OwnSession]


class Preferences(TypedDict):
    """How the pages are for oneself."""

    theme: Theme
    shortcuts: bool
    newest_first: bool


class PreferencesToChange(TypedDict):
    """What may be changed of them."""

    theme: NotRequired[Theme | None]
    shortcuts: NotRequired[bool | None]
    newest_first: NotRequired[bool | None]


Theme = Literal["system", "light", "dark"]
"""Which colours the pages have."""
