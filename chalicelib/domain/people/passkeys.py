"""Passkeys of users (WebAuthn): what was told when they were made, none of it secret."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.domain.people.owners import of_user
from chalicelib.domain.tenancy.entity import Entity, Place

MOST_PASSKEYS = 20


@dataclass(frozen=True, slots=True)
class Passkey:
    """One of a user. `credential` is the authenticator's id of it, `sign_count` the last that it told."""

    user_id: str
    id: str
    name: str
    credential: bytes
    public_key: bytes
    created_at: int
    sign_count: int = 0
    transports: tuple[str, ...] = ()
    last_used_at: int | None = None


PASSKEYS = Entity(
    Passkey,
    "passkey",
    place=lambda one: Place(of_user(one.user_id), one.id),
    code="PK",
)
