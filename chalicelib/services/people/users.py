"""Users: made, changed and removed (api.md 2.2).

Whatever proves a user, or what they may everywhere, ends their other sessions when it changes, and what is under way
with tickets. An organization keeps an owner.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from chalicelib.domain.errors import Conflict, NotFound, Taken
from chalicelib.domain.ids import random_letters
from chalicelib.domain.people import passwords
from chalicelib.domain.people.owners import ALL_USERS, of_email, of_user
from chalicelib.domain.people.passkeys import PASSKEYS
from chalicelib.domain.people.searches import SEARCHES, SEARCHES_OF
from chalicelib.domain.people.sessions import Session
from chalicelib.domain.people.users import BY_EMAIL, USERS, User, user_place
from chalicelib.domain.tenancy.entity import Place
from chalicelib.ports.acting import acting
from chalicelib.ports.clock import Clock
from chalicelib.ports.rand import Rand
from chalicelib.ports.repository import Repository
from chalicelib.services.people.addresses import checked_email, known_as
from chalicelib.services.people.members import Members
from chalicelib.services.people.password_check import PasswordCheck
from chalicelib.services.people.sessions import Sessions
from chalicelib.services.people.tickets import Tickets

ID_LETTERS = 10
# What ends the other sessions of a user when it changes.
_PROVING = ("email password admin sealed_totp passkeys oidc_issuer oidc_subject").split()
TAKEN = "This address belongs to a user already"


@dataclass(frozen=True, slots=True)
class NewUser:
    """A user to be made; `password` None for one who is to choose it by a link."""

    email: str
    first_name: str = ""
    last_name: str = ""
    time_zone: str = "UTC"
    admin: bool = False
    password: str | None = None


class Users:
    """The users of the installation."""

    def __init__(
        self,
        repository: Repository,
        check: PasswordCheck,
        members: Members,
        sessions: Sessions,
        tickets: Tickets,
        clock: Clock,
        rand: Rand,
    ) -> None:
        self._repository = repository
        self._check = check
        self._members = members
        self._sessions = sessions
        self._tickets = tickets
        self._clock = clock
        self._rand = rand

    async def prepared(self, wanted: NewUser) -> User:
        """The user as it would be added. InvalidRequest."""
        email = checked_email(wanted.email)
        kept = "" if wanted.password is None else await self.kept(wanted.password, email)
        return User(
            id=f"us{random_letters(self._rand.bytes(32), ID_LETTERS)}",
            email=email,
            created_at=int(self._clock.now()),
            first_name=wanted.first_name,
            last_name=wanted.last_name,
            time_zone=wanted.time_zone,
            admin=wanted.admin,
            password=kept,
        )

    async def create(self, wanted: NewUser) -> User:
        """A new user. InvalidRequest; Taken for an address that somebody has."""
        user = await self.prepared(wanted)
        try:
            await self._repository.add(USERS, user)
        except Conflict as taken:
            raise Taken("email", TAKEN) from taken
        return user

    async def kept(self, password: str, email: str, field: str = "password") -> str:
        """What is kept of a password that somebody of this address chose. InvalidRequest for a weak one."""
        passwords.check_choice(password, email, field)
        return await self._check.keep(password)

    async def all(self, like: str = "") -> Sequence[User]:
        """All users, the newest first; with `like` those whose address or name has it, in any case of letters."""
        part = like.casefold()
        known = await self._repository.all(USERS, ALL_USERS)
        found = [one for one in known if part in f"{one.email} {one.name}".casefold()]
        return sorted(found, key=lambda one: (one.created_at, one.id), reverse=True)

    async def is_nobody(self) -> bool:
        """Whether there is no user yet."""
        return not (await self._repository.page(USERS, ALL_USERS, 1)).values

    async def get(self, user: str) -> User:
        """By id; NotFound."""
        return await self._repository.get(USERS, user_place(user))

    async def known(self, email: str) -> User | None:
        """By address."""
        try:
            return await self._repository.find(USERS, BY_EMAIL, Place(of_email(known_as(email))))
        except NotFound:
            return None

    async def change(self, user: str, keep: Session | None = None, **changes: Any) -> User:
        """Change fields of a user; what proves them ends all sessions but one. NotFound; Taken for an address that
        somebody else has."""
        return await self.modify(user, lambda one: replace(one, **changes), keep)

    async def modify(
        self, user: str, how: Callable[[User], User], keep: Session | None = None
    ) -> User:
        """The same, as `how` changes it."""
        earlier: list[User] = []

        def changed(one: User) -> User:
            earlier.append(one)
            return how(one)

        try:
            done = await self._repository.modify(USERS, user_place(user), changed)
        except Conflict as taken:
            raise Taken("email", TAKEN) from taken
        if any(getattr(earlier[-1], name) != getattr(done, name) for name in _PROVING):
            await self.end_everything(user, keep)
        return done

    async def end_everything(self, user: str, keep: Session | None = None) -> None:
        """End a user's sessions, but for one, and what is under way."""
        await self._sessions.end_all(user, keep)
        await self._tickets.end_of(user)

    async def reset_factors(self, user: str) -> User:
        """Take all second factors away, and sign the user out."""
        with acting(None):
            for passkey in await self._repository.all(PASSKEYS, of_user(user)):
                with suppress(NotFound):
                    await self._repository.remove(PASSKEYS, passkey)
        bare = {"sealed_totp": None, "sealed_new_totp": None, "recovery": (), "passkeys": 0}
        done = await self.change(user, None, **bare)
        await self.end_everything(user)
        return done

    async def remove(self, user: User) -> None:
        """Remove a user with all that is theirs. Conflict for the last owner of an organization, NotFound."""
        memberships = await self._members.of_user(user.id)
        for member in memberships:
            await self._members.check_not_last(member)
        for member in memberships:
            with suppress(NotFound):
                await self._members.remove(member)
        await self._repository.remove(USERS, user)
        await self.end_everything(user.id)
        with acting(None):
            await asyncio.gather(*(one() for one in await self._belongings(user.id)))

    async def _belongings(self, user: str) -> list[Callable[[], Awaitable[None]]]:
        """What removes each thing that goes with a user; searches that others share stay."""
        passkeys = await self._repository.all(PASSKEYS, of_user(user))
        saved = await self._repository.all(SEARCHES, of_user(user), SEARCHES_OF)
        found: list[tuple[Any, Any]] = [(PASSKEYS, one) for one in passkeys]
        found += [(SEARCHES, one) for one in saved if not one.shared]

        def removing(entity: Any, value: Any) -> Callable[[], Awaitable[None]]:
            async def remove() -> None:
                with suppress(NotFound):
                    await self._repository.remove(entity, value)

            return remove

        return [removing(*one) for one in found]
