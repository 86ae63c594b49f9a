"""Signing in: by address and password, then by a second factor where there is one (api.md 2.3).

Whether the address is unknown, the password wrong, or there is none, the answer is the same and takes as long. Failures
are bounded, and entered in the log of the installation at most once a minute for a user, and once for all unknown
addresses.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, replace

from chalicelib.domain.errors import NotFound, TemporaryFailure, Unauthenticated
from chalicelib.domain.people import passwords
from chalicelib.domain.people.owners import of_email
from chalicelib.domain.people.sessions import Session
from chalicelib.domain.people.tickets import TicketPurpose
from chalicelib.domain.people.users import BY_EMAIL, USERS, User, user_place
from chalicelib.domain.tenancy.entity import Place
from chalicelib.ports.acting import acting
from chalicelib.ports.repository import Repository
from chalicelib.services.people.addresses import known_as
from chalicelib.services.people.asked import SecondFactorRequired
from chalicelib.services.people.factors import Factors, Proof
from chalicelib.services.people.failed_sign_ins import FailedSignIns
from chalicelib.services.people.failures import Failures
from chalicelib.services.people.password_check import PasswordCheck
from chalicelib.services.people.sessions import Browser, Sessions
from chalicelib.services.people.tickets import Tickets
from chalicelib.services.rates import Quota

WRONG = "The address or the password is wrong"
WRONG_FACTOR = "This ticket has ended, or what was shown with it is wrong"


class WrongSignIn(Unauthenticated):
    """What was shown is wrong; `quota` says how many more failures there may be."""

    def __init__(self, public: str, quota: Quota) -> None:
        super().__init__(public)
        self.quota = quota


@dataclass(frozen=True, slots=True)
class Opened:
    """A session that was opened, the token for its cookie, and whose it is; `quota`: how many failures are left."""

    user: User
    session: Session
    token: str
    quota: Quota


class SignIn:
    """Lets people in."""

    def __init__(
        self,
        repository: Repository,
        check: PasswordCheck,
        failures: Failures,
        failed: FailedSignIns,
        factors: Factors,
        tickets: Tickets,
        sessions: Sessions,
    ) -> None:
        self._repository = repository
        self._check = check
        self._failures = failures
        self._failed = failed
        self._factors = factors
        self._tickets = tickets
        self._sessions = sessions

    async def by_password(self, email: str, password: str, browser: Browser) -> tuple[User, Quota]:
        """Who has this address and password, and how many failures are left. Unauthenticated, RateExceeded."""
        email = known_as(email)
        made = await self._failures.begin(email, browser.address)
        user = await self._known(email)
        kept = "" if user is None else user.password
        right = await self._check.is_right(kept, password)
        if user is None or not right:
            await self._failed.enter(user, browser)
            raise WrongSignIn(WRONG, made.quota)
        await self._failures.forgive(made)
        return await self._kept_anew(user, password), made.quota

    async def open(
        self, email: str, password: str, browser: Browser, *, remember: bool = False
    ) -> Opened:
        """A session of who has this address and password. SecondFactorRequired where one is, and what `by_password`
        raises."""
        user, quota = await self.by_password(email, password, browser)
        if user.has_second_factor:
            raise await self._second_factor(user, remember=remember)
        session, token = await self._sessions.open(user, browser, remember=remember)
        return Opened(user, session, token, quota)

    async def open_by_ticket(self, token: str, proof: Proof, browser: Browser) -> Opened:
        """A session of who has shown the password and now shows another factor. Unauthenticated, RateExceeded."""
        try:
            ticket = await self._tickets.take(token, TicketPurpose.SIGN_IN)
            user = await self._repository.get(USERS, user_place(ticket.user_id))
        except NotFound as missing:
            raise Unauthenticated(WRONG_FACTOR) from missing
        made = await self._failures.begin(user.email, browser.address)
        said = json.loads(ticket.said)
        if not await self._factors.is_right(user, proof, said):
            await self._failed.enter(user, browser)
            raise WrongSignIn(WRONG_FACTOR, made.quota)
        try:
            await self._tickets.end(ticket)
        except NotFound as used:
            raise Unauthenticated(WRONG_FACTOR) from used
        await self._failures.forgive(made)
        remember = bool(said.get("remember"))
        session, cookie = await self._sessions.open(
            user, browser, remember=remember, second_factor=True
        )
        return Opened(user, session, cookie, made.quota)

    async def _second_factor(self, user: User, *, remember: bool) -> SecondFactorRequired:
        challenge, said = await self._factors.begin(user)
        text = json.dumps({"remember": remember, **said})
        ticket = await self._tickets.give(TicketPurpose.SIGN_IN, user.id, text)
        return SecondFactorRequired(ticket, self._factors.methods(user), challenge)

    async def _known(self, email: str) -> User | None:
        try:
            return await self._repository.find(USERS, BY_EMAIL, Place(of_email(email)))
        except NotFound:
            return None

    async def _kept_anew(self, user: User, password: str) -> User:
        """The user, with the password kept as it is kept today."""
        if passwords.is_current(user.password):
            return user
        kept, before = await self._check.keep(password), user.password

        def anew(one: User) -> User:
            return replace(one, password=kept) if one.password == before else one

        with acting(None), suppress(TemporaryFailure, NotFound):
            return await self._repository.modify(USERS, user_place(user.id), anew)
        return user
