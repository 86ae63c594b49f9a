"""Tickets: what goes on in a later request, for a short time and a few tries. Only the digest of the token is kept."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from chalicelib.domain.people.owners import ENDS_OF_TICKETS, ending, of_ticket, of_user
from chalicelib.domain.tenancy.entity import Entity, LookUp, Place


class TicketPurpose(Enum):
    """What a ticket lets its holder go on with."""

    SIGN_IN = "sign-in"
    CONFIRM = "confirm"
    PASSKEY = "passkey"
    RESET = "reset"
    EMAIL = "email"
    OIDC = "oidc"


@dataclass(frozen=True, slots=True)
class Ticket:
    """For one user, or (empty) nobody yet. `said` is what is to be known when it comes back, JSON that is shown to
    nobody: a challenge, the next address, a nonce."""

    digest: str
    purpose: TicketPurpose
    user_id: str
    created_at: int
    expires_at: int
    tries: int = 0
    said: str = ""


TICKETS_OF_USER: LookUp[Ticket] = LookUp(
    "TK",
    lambda one: Place(of_user(one.user_id), one.digest) if one.user_id else None,
    points_to="TK",
)
BY_END_OF_TICKET: LookUp[Ticket] = LookUp(
    "TK",
    lambda one: Place(ENDS_OF_TICKETS, ending(one.expires_at, one.digest)),
    points_to="TK",
)
TICKETS = Entity(
    Ticket,
    "ticket",
    place=lambda one: Place(of_ticket(one.digest)),
    look_ups=(TICKETS_OF_USER, BY_END_OF_TICKET),
    listed=BY_END_OF_TICKET,
)
