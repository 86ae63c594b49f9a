"""What a user is a member of, as they are told: organizations that are there, by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.domain.people.members import MEMBERS, MEMBERSHIPS, Member
from chalicelib.domain.people.owners import of_user
from chalicelib.domain.tenancy.organizations import ORGANIZATIONS, Organization
from chalicelib.domain.tenancy.owners import ALL_ORGANIZATIONS, of_organization
from chalicelib.domain.tenancy.servers import SERVERS
from chalicelib.ports.repository import Repository


@dataclass(frozen=True, slots=True)
class Membership:
    """A membership, its organization, and the permalinks of the servers that it is limited to (None: all)."""

    member: Member
    organization: Organization
    servers: list[str] | None


class Memberships:
    """Tells of memberships."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository

    async def members(self, user: str) -> Sequence[Member]:
        """All of a user."""
        return await self._repository.all(MEMBERS, of_user(user), MEMBERSHIPS)

    async def told(self, members: Sequence[Member]) -> list[Membership]:
        """Those whose organization there is, by its name."""
        if not members:
            return []
        known = await self._repository.all(ORGANIZATIONS, ALL_ORGANIZATIONS)
        by_id = {one.id: one for one in known}
        found = [
            Membership(one, by_id[one.organization_id], await self._servers(one))
            for one in members
            if one.organization_id in by_id
        ]
        return sorted(found, key=lambda one: one.organization.name.casefold())

    async def _servers(self, member: Member) -> list[str] | None:
        if member.servers is None:
            return None
        known = await self._repository.all(SERVERS, of_organization(member.organization_id))
        return [one.permalink for one in known if one.id in member.servers]
