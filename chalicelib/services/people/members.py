"""Members of organizations: added, changed and removed (api.md 2.2). The last owner stays one.

Whoever is removed, or may less than before, takes back with them the invitations that they sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, replace
from typing import Any

from chalicelib.domain.errors import Conflict, NotFound, TooMany
from chalicelib.domain.numbering import OrganizationId, ServerId
from chalicelib.domain.people.invitations import INVITATIONS
from chalicelib.domain.people.members import MEMBERS, MEMBERSHIPS, Member, member_place
from chalicelib.domain.people.owners import of_user
from chalicelib.domain.people.roles import Role, is_lower
from chalicelib.domain.people.users import USERS, User, user_place
from chalicelib.domain.tenancy.change import Change, Verb
from chalicelib.domain.tenancy.owners import of_organization
from chalicelib.domain.tenancy.removals import ALL_REMOVALS, REMOVALS
from chalicelib.ports.acting import acting, who_acts
from chalicelib.ports.clock import Clock
from chalicelib.ports.repository import Guard, Repository

MOST_MEMBERS = 1_000
LAST_OWNER = "The last owner of an organization stays its owner: make somebody else one first"


@dataclass(frozen=True, slots=True)
class Terms:
    """What a member may: their role, the servers that they see (None: all), and whether they read content (None: as
    the role has it)."""

    role: Role
    servers: tuple[ServerId, ...] | None = None
    read_content: bool | None = None


class Members:
    """Who is a member of which organization."""

    def __init__(self, repository: Repository, clock: Clock) -> None:
        self._repository = repository
        self._clock = clock

    async def of(self, organization: OrganizationId) -> Sequence[tuple[Member, User]]:
        """All of an organization with who they are, the newest first."""
        found = await self._repository.all(MEMBERS, of_organization(organization))
        places = [user_place(one.user_id) for one in found]
        users = await self._repository.get_many(USERS, places)
        known = [
            (one, users[place]) for one, place in zip(found, places, strict=True) if place in users
        ]
        return sorted(known, key=lambda one: (one[0].created_at, one[0].user_id), reverse=True)

    async def of_user(self, user: str) -> Sequence[Member]:
        """All memberships of a user."""
        return await self._repository.all(MEMBERS, of_user(user), MEMBERSHIPS)

    async def get(self, organization: OrganizationId, user: str) -> tuple[Member, User]:
        """A member by the user's id; NotFound."""
        member = await self._repository.get(MEMBERS, member_place(organization, user))
        try:
            return member, await self._repository.get(USERS, user_place(user))
        except NotFound as gone:
            raise MEMBERS.missing() from gone

    def prepared(self, organization: OrganizationId, user: User, terms: Terms) -> Member:
        """The member as it would be added."""
        return Member(
            organization,
            user.id,
            terms.role,
            int(self._clock.now()),
            terms.servers,
            terms.read_content,
        )

    async def add(self, organization: OrganizationId, user: User, terms: Terms) -> Member:
        """Make a user a member. Conflict for one who is; TooMany; NotFound when the organization was removed."""
        member = self.prepared(organization, user, terms)
        with _named(user):
            await self._repository.add(MEMBERS, member, self.room(organization))
        removals = await self._repository.all(REMOVALS, ALL_REMOVALS)
        if any((one.organization_id, one.server_id) == (organization, None) for one in removals):
            raise NotFound("There is no such organization")
        return member

    def room(self, organization: OrganizationId) -> Guard:
        """What raises TooMany when there are MOST_MEMBERS."""

        async def has_room() -> None:
            owner = of_organization(organization)
            if len(await self._repository.all(MEMBERS, owner)) >= MOST_MEMBERS:
                raise TooMany(f"An organization has at most {MOST_MEMBERS} members")

        return has_room

    async def change(self, member: Member, user: User, **changes: Any) -> Member:
        """Change role, servers or read_content. Conflict for the last owner who would be none."""
        place = member_place(member.organization_id, member.user_id)
        wanted = replace(member, **changes)
        steps_down = member.role is Role.OWNER and wanted.role is not Role.OWNER
        guard = self._guard(member) if steps_down else None
        with _named(user):
            done = await self._repository.modify(
                MEMBERS, place, lambda one: replace(one, **changes), guard
            )
        if _is_less(done, member):
            await self._withdraw(member)
        return done

    async def remove(self, member: Member, user: User | None = None) -> None:
        """Remove a member with the invitations that they sent. Conflict for the last owner, NotFound."""
        if user is None:
            users = await self._repository.get_many(USERS, [user_place(member.user_id)])
            user = next(iter(users.values()), None)
        with _named(user):
            guard = self._guard(member) if member.role is Role.OWNER else None
            await self._repository.change(Change(Verb.REMOVE, MEMBERS, member), guard=guard)
        await self._withdraw(member)

    async def check_not_last(self, member: Member) -> None:
        """Conflict for the last owner of an organization."""
        if member.role is Role.OWNER:
            await self._guard(member)()

    def _guard(self, member: Member) -> Guard:
        async def is_not_last() -> None:
            known = await self._repository.all(MEMBERS, of_organization(member.organization_id))
            owners = [one.user_id for one in known if one.role is Role.OWNER]
            if owners == [member.user_id]:
                raise Conflict(LAST_OWNER)

        return is_not_last

    async def _withdraw(self, member: Member) -> None:
        owner = of_organization(member.organization_id)
        for one in await self._repository.all(INVITATIONS, owner):
            if one.inviter == member.user_id and one.accepted_at is None:
                with suppress(NotFound):
                    await self._repository.remove(INVITATIONS, one)


def _is_less(now: Member, before: Member) -> bool:
    """Whether a member may less than before."""
    if is_lower(now.role, before.role) or (before.reads_content and not now.reads_content):
        return True
    if now.servers is None:
        return False
    return before.servers is None or not set(before.servers) <= set(now.servers)


def _named(user: User | None) -> AbstractContextManager[None]:
    """That entries call the member by the address."""
    who = who_acts()
    if who is None or user is None:
        return nullcontext()
    return acting(replace(who, named=user.email))
