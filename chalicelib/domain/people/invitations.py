"""Invitations of an address to an organization; of the token in the link only the digest is kept."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.domain.numbering import OrganizationId, ServerId
from chalicelib.domain.people.owners import ENDS_OF_INVITATIONS, ending, of_email, of_invitation
from chalicelib.domain.people.roles import Role
from chalicelib.domain.tenancy.entity import Entity, LookUp, Place
from chalicelib.domain.tenancy.owners import of_organization

INVITATION_SECONDS = 7 * 86_400


@dataclass(frozen=True, slots=True)
class Invitation:
    """What somebody becomes who follows the link before its end. `invited_by` is the address or key of who sent it, and
    `inviter` that user's id, empty for a key. One that was accepted stays until its end, to be shown."""

    organization_id: OrganizationId
    id: str
    email: str
    role: Role
    invited_by: str
    digest: str
    created_at: int
    expires_at: int
    inviter: str = ""
    servers: tuple[ServerId, ...] | None = None
    read_content: bool | None = None
    accepted_at: int | None = None

    def is_open(self, now: float) -> bool:
        """Whether it can be accepted at this moment."""
        return self.accepted_at is None and now < self.expires_at


BY_INVITATION_TOKEN: LookUp[Invitation] = LookUp("I", lambda one: Place(of_invitation(one.digest)))
BY_INVITED: LookUp[Invitation] = LookUp("I", lambda one: Place(of_email(one.email), one.digest))
BY_END_OF_INVITATION: LookUp[Invitation] = LookUp(
    "I", lambda one: Place(ENDS_OF_INVITATIONS, ending(one.expires_at, one.digest))
)
INVITATIONS = Entity(
    Invitation,
    "invitation",
    place=lambda one: Place(of_organization(one.organization_id), one.id),
    code="I",
    look_ups=(BY_INVITATION_TOKEN, BY_INVITED, BY_END_OF_INVITATION),
    audited="invitation",
)
