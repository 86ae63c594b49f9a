"""What people do beside mail: they sign in, invite, ask for files and have an address erased, and keys end."""

from __future__ import annotations

from chalicelib.domain.durations import DAY
from chalicelib.domain.people.invitations import INVITATIONS, Invitation
from chalicelib.domain.people.roles import Role
from chalicelib.domain.people.tickets import TicketPurpose
from chalicelib.domain.people.users import User
from chalicelib.domain.tenancy.credentials import CredentialKind
from chalicelib.ports.repository import Repository
from chalicelib.services.people.sessions import Sessions
from chalicelib.services.people.tickets import Tickets
from chalicelib.services.tenancy.credentials import CredentialOptions, Credentials
from tests.people import HERE, a_person, made_member
from tests.year.home import Home

ERASED_AFTER, KEY_DAYS = 3, 20


class People:
    """Those of a home."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._user: User | None = None
        self._key = ""

    async def today(self, number: int, day: int) -> None:
        """What they do on the day of this number, which is a day of the month."""
        program, now = self._home.program, int(self._home.clock.now())
        if self._user is None:
            self._user = await a_person(program, email="ada@people.example")
            await made_member(program, self._user, self._home.scene.organization.id, Role.OWNER)
        await program[Sessions].open(self._user, HERE)
        await program[Tickets].give(TicketPurpose.RESET, self._user.id)
        invitation = Invitation(
            organization_id=self._home.scene.organization.id,
            id=f"in{number:010d}",
            email=f"guest{number}@people.example",
            role=Role.VIEWER,
            invited_by="Ada",
            digest=f"{number:064x}",
            created_at=now,
            expires_at=now + 7 * DAY,
        )
        await program[Repository].add(INVITATIONS, invitation)
        await self._files(number, day)

    async def _files(self, number: int, day: int) -> None:
        if number % 7 == 0:
            made = await self._home.ask("POST", "/uploads", {"size": 1_000})
            assert made.status == 201, made
        if day == 1:
            end = int(self._home.clock.now()) + KEY_DAYS * DAY
            _, self._key = await self._home.program[Credentials].create(
                self._home.scene.server,
                CredentialKind.API,
                f"until {number}",
                CredentialOptions(expires_at=end),
            )
        if self._key:
            reply = await self._home.ask("GET", "/emails", key=self._key)
            assert reply.status == (200 if day <= KEY_DAYS else 401), reply
        if day == 15:
            await self._start(type="export", what="suppressions")
        if day == 20 and number > ERASED_AFTER:
            await self._start(type="erase", address=f"bounce{number - ERASED_AFTER}@example.com")

    async def _start(self, **fields: str) -> None:
        reply = await self._home.manage("POST", "/jobs", dict(fields), "acme/app")
        assert reply.status == 202, reply
