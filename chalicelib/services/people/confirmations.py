"""Showing once more who one is, for what does most harm in the wrong hands (api.md 2.3).

It counts for ten minutes, as a sign-in does. What is wrong counts as a failure of signing in.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field

from chalicelib.domain.errors import InvalidRequest, NotFound, wrong_field
from chalicelib.domain.people.sessions import Session
from chalicelib.domain.people.signed_in import SignedIn
from chalicelib.domain.people.tickets import TicketPurpose
from chalicelib.ports.clock import Clock
from chalicelib.services.people.asked import ConfirmationNeeded
from chalicelib.services.people.factors import Factors, Proof
from chalicelib.services.people.failed_sign_ins import FailedSignIns
from chalicelib.services.people.failures import Failures
from chalicelib.services.people.password_check import PasswordCheck
from chalicelib.services.people.sessions import Browser, Sessions
from chalicelib.services.people.tickets import Tickets

WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Shown:
    """What somebody shows: the password, or a second factor, a passkey with the ticket that asked for it."""

    password: str | None = None
    proof: Proof = field(default_factory=Proof)
    ticket: str = ""


class Confirmations:
    """Asks for confirmations and takes them."""

    def __init__(
        self,
        check: PasswordCheck,
        failures: Failures,
        failed: FailedSignIns,
        factors: Factors,
        tickets: Tickets,
        sessions: Sessions,
        clock: Clock,
    ) -> None:
        self._check = check
        self._failures = failures
        self._failed = failed
        self._factors = factors
        self._tickets = tickets
        self._sessions = sessions
        self._clock = clock

    async def require(self, person: SignedIn) -> None:
        """ConfirmationNeeded unless the session is confirmed."""
        if person.session.is_confirmed(self._clock.now()):
            return
        user = person.user
        challenge, said = await self._factors.begin(user)
        ticket = await self._tickets.give(TicketPurpose.CONFIRM, user.id, json.dumps(said))
        methods = [one for one in self._factors.methods(user) if one != "recovery_code"]
        if user.password:
            methods.insert(0, "password")
        if user.oidc_issuer:
            methods.append("oidc")
        raise ConfirmationNeeded(ticket, tuple(methods), challenge)

    async def confirm(self, person: SignedIn, shown: Shown, browser: Browser) -> Session:
        """The session, confirmed by what was shown. InvalidRequest, RateExceeded."""
        if shown.password is not None:
            await self.check_password(person, shown.password, browser, "password")
            return await self._sessions.confirm(person.session)
        await self.check_proof(person, shown.proof, shown.ticket, browser)
        return await self._sessions.confirm(person.session, second_factor=True)

    async def check_password(
        self, person: SignedIn, password: str | None, browser: Browser, field: str
    ) -> None:
        """InvalidRequest at the field for a password that is wrong or absent, RateExceeded."""
        made = await self._failures.begin(person.user.email, browser.address)
        if password is None or not await self._check.is_right(person.user.password, password):
            await self._failed.enter(person.user, browser)
            raise _wrong(field)
        await self._failures.forgive(made)

    async def check_proof(
        self, person: SignedIn, proof: Proof, ticket: str, browser: Browser, field: str = ""
    ) -> None:
        """InvalidRequest for a second factor that is wrong, at its own field or the one that is named; RateExceeded."""
        made = await self._failures.begin(person.user.email, browser.address)
        if not await self._is_right(person, proof, ticket):
            await self._failed.enter(person.user, browser)
            raise _wrong(field or proof.field)
        await self._failures.forgive(made)

    async def _is_right(self, person: SignedIn, proof: Proof, token: str) -> bool:
        if proof.passkey is None:
            return await self._factors.is_right(person.user, proof, {})
        try:
            ticket = await self._tickets.take(token, TicketPurpose.CONFIRM)
        except NotFound:
            return False
        if ticket.user_id != person.user.id:
            return False
        right = await self._factors.is_right(person.user, proof, json.loads(ticket.said))
        if right:
            with suppress(NotFound):
                await self._tickets.end(ticket)
        return right


def _wrong(field: str) -> InvalidRequest:
    return wrong_field(field, "This is wrong", WRONG)
