"""A person who has signed in: the user, the session, and what they are a member of."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.domain.numbering import OrganizationId
from chalicelib.domain.people.members import Member
from chalicelib.domain.people.roles import READS, Role, scopes_of
from chalicelib.domain.people.sessions import Session
from chalicelib.domain.people.users import User
from chalicelib.domain.tenancy.scopes import EVERYTHING, Reach, granted


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Somebody with one session. `csrf` is what their requests must carry."""

    user: User
    session: Session
    members: tuple[Member, ...] = ()
    csrf: str = ""

    def member_of(self, organization: OrganizationId) -> Member | None:
        """What they are in an organization, if anything."""
        return next((one for one in self.members if one.organization_id == organization), None)

    @property
    def has_second_factor(self) -> bool:
        """Whether an organization that requires a second factor is content with them."""
        return self.user.has_second_factor or self.session.by_provider

    @property
    def everywhere(self) -> tuple[str, ...]:
        """What they may do outside of any organization: look at what they reach, and what they may somewhere."""
        if self.user.admin:
            return (EVERYTHING,)
        held = {
            scope
            for one in self.members
            for scope in granted(scopes_of(one.role), Reach.ORGANIZATION)
        }
        return tuple(sorted(held.union(READS)))

    def owns(self, organization: OrganizationId) -> bool:
        """Whether they may do there what only an owner may."""
        member = self.member_of(organization)
        return self.user.admin or (member is not None and member.role is Role.OWNER)
