"""What operations on `/api/v2/credentials` send and answer.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

from posthorn_client.models.organizations import LimitAction

__all__ = [
    "BareNewlines",
    "Credential",
    "CredentialKind",
    "CredentialMade",
    "CredentialPage",
    "CredentialToChange",
    "CredentialToMake",
]

BareNewlines = Literal["refuse", "normalise"]
"""What a credential wants done with bare CR or LF in content."""


class Credential(TypedDict):
    """What lets clients of a server in. Its key is shown once, when it is made."""

    id: str
    kind: CredentialKind
    name: str
    hint: str | None
    """The last four characters of the key."""
    network: str | None
    """SMTP-IP: its network."""
    networks: list[str]
    """From where alone the key may be used."""
    scopes: list[str]
    """API: what the key may do."""
    hold: bool
    """All mail that comes with it is held."""
    cram: bool
    """SMTP: it can be used with CRAM-MD5."""
    bare_newlines: BareNewlines
    send_limit: int | None
    send_limit_day: int | None
    send_limit_month: int | None
    send_limit_action: LimitAction
    expires_at: str | None
    created_at: str
    last_used_at: str | None
    last_used_address: str | None
    usage: str
    """`Unused`, `Inactive`, `Dormant`, `Quiet` or `Active`."""


CredentialKind = Literal["SMTP", "API", "SMTP-IP"]
"""Contract section 1.4."""


class CredentialPage(TypedDict):
    """Credentials, newest first."""

    has_more: bool
    next_cursor: str | None
    """The `cursor` of the next page."""
    data: list[Credential]


class CredentialToChange(TypedDict):
    """What may be changed of it."""

    name: NotRequired[str | None]
    hold: NotRequired[bool | None]
    bare_newlines: NotRequired[BareNewlines | None]
    networks: NotRequired[list[str] | None]
    """None: from everywhere."""
    expires_at: NotRequired[str | None]
    send_limit: NotRequired[int | None]
    """Messages in 60 minutes; null: any number."""
    send_limit_day: NotRequired[int | None]
    """Messages in 24 hours; null: any number."""
    send_limit_month: NotRequired[int | None]
    """Messages in a month, UTC; null: any number."""
    send_limit_action: NotRequired[LimitAction | None]
    """What becomes of mail above a limit: held and sent later, or refused."""


class CredentialToMake(TypedDict):
    """A new credential."""

    kind: CredentialKind
    name: str
    hold: NotRequired[bool | None]
    cram: NotRequired[bool | None]
    """SMTP alone."""
    bare_newlines: NotRequired[BareNewlines | None]
    network: NotRequired[str | None]
    """SMTP-IP: CIDR, a /24 or /48 at most; set by operators."""
    networks: NotRequired[list[str] | None]
    """None: from everywhere."""
    scopes: NotRequired[list[str] | None]
    """API alone."""
    expires_at: NotRequired[str | None]
    send_limit: NotRequired[int | None]
    """Messages in 60 minutes; null: any number."""
    send_limit_day: NotRequired[int | None]
    """Messages in 24 hours; null: any number."""
    send_limit_month: NotRequired[int | None]
    """Messages in a month, UTC; null: any number."""
    send_limit_action: NotRequired[LimitAction | None]
    """What becomes of mail above a limit: held and sent later, or refused."""
    key: NotRequired[str | None]
    """An existing key, to be kept."""


class CredentialMade(Credential):
    """A credential that was just made."""

    key: str | None
    """Shown here alone; SMTP-IP has none."""
