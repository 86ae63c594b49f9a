"""Passwords chosen anew by a link in a mail (api.md 2.3).

Whether somebody has an address is told to nobody but them: an answer is the same, and takes as long, for any address.
A link works for a day and once, and choosing a password ends all sessions.
"""

from __future__ import annotations

import logging

from chalicelib.config import Settings
from chalicelib.domain.errors import MailError, NotFound, TemporaryFailure
from chalicelib.domain.people.tickets import TicketPurpose
from chalicelib.domain.people.users import User
from chalicelib.domain.rates import RESET
from chalicelib.domain.tenancy.audit import Acting, Actor
from chalicelib.ports.acting import acting
from chalicelib.ports.clock import Clock
from chalicelib.services.people.addresses import known_as
from chalicelib.services.people.oidc_providers import OidcProviders
from chalicelib.services.people.sessions import Browser
from chalicelib.services.people.tickets import Tickets
from chalicelib.services.people.users import Users
from chalicelib.services.rates import Quota, Rates
from chalicelib.services.system_mail import SystemMail
from chalicelib.services.tenancy.system_server import OFF

LOG = logging.getLogger("posthorn.people")
LINK_SECONDS = 86_400
ANSWER_SECONDS = 1.0  # longer than it takes to accept a mail
_TEXT = """\
Somebody asked for a new password of {email} on Posthorn.

Follow this link to choose one. It works once, and for a day:

{url}

If that was not you, do nothing: your password stays as it is.
"""


class PasswordResets:
    """Mails links, and takes the passwords that are chosen by them."""

    def __init__(
        self,
        settings: Settings,
        users: Users,
        tickets: Tickets,
        providers: OidcProviders,
        mail: SystemMail,
        rates: Rates,
        clock: Clock,
    ) -> None:
        self._url = f"{settings.pages_url}/login/reset"
        self._users = users
        self._tickets = tickets
        self._providers = providers
        self._mail = mail
        self._rates = rates
        self._clock = clock

    async def ask(self, email: str) -> Quota:
        """Mail a link to whoever has this address; what is left of its quota. RateExceeded; TemporaryFailure where
        the installation sends no mail."""
        if not self._mail.is_on:
            raise TemporaryFailure(OFF)
        email = known_as(email)
        quota = await self._rates.count(RESET, email)
        began = self._clock.monotonic()
        user = await self._users.known(email)
        if user is not None and await self._may_have_one(user):
            try:
                await self._send(user)
            except (
                MailError
            ) as failure:  # an answer that says so would say that somebody has the address
                LOG.error("link not mailed: %s", failure.public, exc_info=failure)
        await self._clock.sleep(max(0.0, began + ANSWER_SECONDS - self._clock.monotonic()))
        return quota

    async def use(self, token: str, password: str, browser: Browser) -> None:
        """The password that was chosen by a link. NotFound for a link that works no more, InvalidRequest for a
        password that is weak."""
        ticket = await self._tickets.look(token, TicketPurpose.RESET)
        user = await self._users.get(ticket.user_id)
        if user.oidc_issuer:
            raise NotFound("This link works no more")
        kept = await self._users.kept(password, user.email)
        await self._tickets.end(ticket)
        who = Acting(Actor("user", user.email, user.id), browser.address, browser.request_id)
        with acting(who):
            await self._users.change(user.id, password=kept)

    async def _may_have_one(self, user: User) -> bool:
        if user.oidc_issuer:
            return False
        provider = await self._providers.read()
        return provider is None or provider.local_sign_in

    async def _send(self, user: User) -> None:
        token = await self._tickets.give(TicketPurpose.RESET, user.id, seconds=LINK_SECONDS)
        text = _TEXT.format(email=user.email, url=f"{self._url}/{token}")
        await self._mail.send(user.email, "Choose a new password", text)
