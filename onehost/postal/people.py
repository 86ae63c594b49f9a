"""Users and members of Postal, brought once the organizations are here.

Whoever has the address of a user of Postal here already is that user: they keep what they sign in by, and become a
member of the same organizations.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from chalicelib.domain.errors import NotFound
from chalicelib.domain.people.owners import of_email
from chalicelib.domain.people.roles import Role
from chalicelib.domain.people.users import BY_EMAIL, USERS, User
from chalicelib.domain.postal.people import member_of, members_of, user_of
from chalicelib.domain.postal.rows import Row, number
from chalicelib.domain.postal.wanted import told
from chalicelib.domain.tenancy.entity import Place
from chalicelib.domain.tenancy.organizations import Organization
from chalicelib.ports.repository import Repository
from onehost.postal.bring import Bring
from onehost.postal.database import Database
from onehost.postal.memory import Memory

GROUP = "people"
KNOWN = "somebody with this address is here already, and keeps the password they have here"
NO_OWNER = "its owner was not brought: make somebody its owner (posthorn member set … --role owner)"


@dataclass(frozen=True, slots=True)
class BringPeople:
    """Brings them out of the main database; `organizations` are those that are here, by Postal's numbers."""

    main: Database
    bring: Bring
    organizations: Mapping[int, Organization]

    async def all(self) -> None:
        """Users, then what they are."""
        repository = self.bring.program[Repository]
        memory = await Memory(repository, GROUP, dry_run=self.bring.dry_run).read()
        users: dict[int, User] = {}
        for row in await self.main.all("users"):
            user = await self._user(row, memory)
            if user is not None:
                users[number(row, "id") or 0] = user
        rows = await self.main.all("organization_users")
        for row in await self.main.all("organizations", "deleted_at IS NULL"):
            organization = self.organizations.get(number(row, "id") or 0)
            if organization is not None:
                await self._members(row, organization, members_of(rows, row), users)

    async def _user(self, row: Row, memory: Memory) -> User | None:
        found = user_of(row)
        wanted, _ = found
        present = None if wanted is None else await self._present(wanted.value)
        if wanted is None or present is None or present.id == wanted.value.id:
            brought: User | None = await self.bring.noun(memory, found)
            return brought
        self.bring.report.note(told(wanted.what, KNOWN))
        self.bring.report.count("users", "same")
        return present

    async def _present(self, user: User) -> User | None:
        """Who has the address here."""
        place, found = Place(of_email(user.email)), None
        with suppress(NotFound):
            found = await self.bring.program[Repository].find(USERS, BY_EMAIL, place)
        return found

    async def _members(
        self,
        row: Row,
        organization: Organization,
        since: Mapping[int, int],
        users: Mapping[int, User],
    ) -> None:
        group = f"{GROUP} {organization.uuid}"
        repository = self.bring.program[Repository]
        memory = await Memory(repository, group, dry_run=self.bring.dry_run).read()
        owned = False
        for identifier, at in since.items():
            user = users.get(identifier)
            if user is None:
                continue
            is_owner = identifier == number(row, "owner_id")
            wanted = member_of(organization.id, organization.permalink, user, at, is_owner=is_owner)
            member = await self.bring.noun(memory, (wanted, []))
            owned |= member is not None and member.role is Role.OWNER
        if not owned:
            self.bring.report.note(told(f"organization {organization.permalink}", NO_OWNER))
