"""What operations on `/api/v2/me` send and answer.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

from posthorn_client.models.users import Subject

__all__ = [
    "Me",
    "MeToChange",
    "OwnSession",
    "OwnSessionPage",
    "Passkey",
    "PasskeyMade",
    "PasskeyOptions",
    "PasskeyPage",
    "PasskeyToMake",
    "Preferences",
    "PreferencesToChange",
    "RecoveryCodes",
    "Theme",
    "TotpSecret",
    "TotpToDisable",
    "TotpToEnable",
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


class Passkey(TypedDict):
    """A passkey of oneself."""

    id: str
    name: str
    created_at: str
    last_used_at: str | None


class PasskeyOptions(TypedDict):
    """What the browser is asked to make, and the ticket with which to send the answer."""

    ticket: str
    options: dict[str, Any]
    """For `navigator.credentials.create`, as WebAuthn has them in JSON."""


class PasskeyPage(TypedDict):
    """Passkeys, newest first."""

    has_more: bool
    next_cursor: str | None
    """The `cursor` of the next page."""
    data: list[Passkey]


class PasskeyToMake(TypedDict):
    """Nothing, to ask for options; then the ticket and what the browser made, with a name."""

    ticket: NotRequired[str | None]
    credential: NotRequired[dict[str, Any] | None]
    """As WebAuthn has it in JSON."""
    name: NotRequired[str | None]


class Preferences(TypedDict):
    """How the pages are for oneself."""

    theme: Theme
    shortcuts: bool
    newest_first: bool
    first_steps: bool
    """The list of first steps stands beside pages."""


class PreferencesToChange(TypedDict):
    """What may be changed of them."""

    theme: NotRequired[Theme | None]
    shortcuts: NotRequired[bool | None]
    newest_first: NotRequired[bool | None]
    first_steps: NotRequired[bool | None]


class RecoveryCodes(TypedDict):
    """Codes that stand in for a second factor, each once."""

    recovery_codes: list[str] | None
    """Shown here alone; null: those from before stay."""


Theme = Literal["system", "light", "dark"]
"""Which colours the pages have."""


class TotpSecret(TypedDict):
    """A secret for an app that makes codes; it is used once a code of it was sent."""

    secret: str
    """To be typed into the app."""
    uri: str
    """The same for a QR code."""


class TotpToDisable(TypedDict):
    """A code that the app shows, or the password."""

    code: NotRequired[str | None]
    password: NotRequired[str | None]


class TotpToEnable(TypedDict):
    """A code that the app shows."""

    code: str


class PasskeyMade(Passkey):
    """A passkey that was just made."""

    recovery_codes: list[str] | None
    """Where it is the first second factor; shown here alone."""
