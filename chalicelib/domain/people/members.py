"""Who is a member of which organization, as what."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.domain.numbering import OrganizationId, ServerId
from chalicelib.domain.people import roles
from chalicelib.domain.people.owners import of_user
from chalicelib.domain.people.roles import Role
from chalicelib.domain.tenancy.entity import Entity, LookUp, Place
from chalicelib.domain.tenancy.owners import of_organization


@dataclass(frozen=True, slots=True)
class Member:
    """A user in an organization. `servers`: those that they see, None for all; `read_content`: None for the role's."""

    organization_id: OrganizationId
    user_id: str
    role: Role
    created_at: int
    servers: tuple[ServerId, ...] | None = None
    read_content: bool | None = None

    @property
    def id(self) -> str:
        """What paths call a member by: the user."""
        return self.user_id

    @property
    def reads_content(self) -> bool:
        """Whether they read the content of mail."""
        return roles.reads_content(self.role, self.read_content)


def member_place(organization: OrganizationId, user: str) -> Place:
    """Where the membership of a user is."""
    return Place(of_organization(organization), user)


def _of_user(member: Member) -> Place:
    return Place(of_user(member.user_id), str(member.organization_id))


MEMBERSHIPS: LookUp[Member] = LookUp("O", _of_user)
MEMBERS = Entity(
    Member,
    "member",
    place=lambda one: member_place(one.organization_id, one.user_id),
    code="U",
    look_ups=(MEMBERSHIPS,),
    audited="member",
)
