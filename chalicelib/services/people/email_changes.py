"""Another e-mail address of a user, in force once a link that was mailed to it was followed (api.md 2.3).

An address that somebody else has is asked for with the same answer, and only that person is told.
"""

from __future__ import annotations

import json
import logging

from chalicelib.config import Settings
from chalicelib.domain.errors import MailError, NotFound, Taken, TemporaryFailure
from chalicelib.domain.people.tickets import TicketPurpose
from chalicelib.domain.people.users import User
from chalicelib.domain.rates import RESET
from chalicelib.domain.tenancy.audit import Acting, Actor
from chalicelib.ports.acting import acting
from chalicelib.services.people.addresses import checked_email
from chalicelib.services.people.sessions import Browser
from chalicelib.services.people.tickets import Tickets
from chalicelib.services.people.users import Users
from chalicelib.services.rates import Quota, Rates
from chalicelib.services.system_mail import SystemMail
from chalicelib.services.tenancy.system_server import OFF

LOG = logging.getLogger("posthorn.people")
LINK_SECONDS = 86_400
_TEXT = """\
You want to sign in to Posthorn with the address {email} from now on.

Follow this link to confirm that it is yours. It works once, and for a day:

{url}

If that was not you, do nothing.
"""
_OTHERS = """\
Somebody who is signed in to Posthorn with another account asked to use the address {email} there.

It is yours, so nothing was changed. If that was you, sign in with this address instead.
"""
_DONE = """\
You sign in to Posthorn with the address {email} from now on, and no more with this one. All your sessions were ended.

If that was not you, tell whoever operates the installation.
"""


class EmailChanges:
    """Asks for them and makes them."""

    def __init__(
        self, settings: Settings, users: Users, tickets: Tickets, mail: SystemMail, rates: Rates
    ) -> None:
        self._url = f"{settings.pages_url}/login/email"
        self._users = users
        self._tickets = tickets
        self._mail = mail
        self._rates = rates

    async def request(self, user: User, email: str) -> Quota | None:
        """Mail a link to the address that a user wants; what is left of its quota, None for the one that they have.
        InvalidRequest, RateExceeded, TemporaryFailure."""
        email = checked_email(email)
        if email == user.email:
            return None
        if not self._mail.is_on:
            raise TemporaryFailure(OFF)
        quota = await self._rates.count(RESET, email)
        if await self._users.known(email) is not None:
            await self._mail.send(email, "Your address on Posthorn", _OTHERS.format(email=email))
            return quota
        said = json.dumps({"email": email})
        token = await self._tickets.give(TicketPurpose.EMAIL, user.id, said, LINK_SECONDS)
        text = _TEXT.format(email=email, url=f"{self._url}/{token}")
        await self._mail.send(email, "Confirm your address", text)
        return quota

    async def use(self, token: str, browser: Browser) -> None:
        """The link was followed. NotFound when it works no more."""
        ticket = await self._tickets.look(token, TicketPurpose.EMAIL)
        user = await self._users.get(ticket.user_id)
        email = json.loads(ticket.said)["email"]
        await self._tickets.end(ticket)
        who = Acting(Actor("user", user.email, user.id), browser.address, browser.request_id)
        try:
            with acting(who):
                await self._users.change(user.id, email=email)
        except Taken as taken:
            raise NotFound("This link works no more") from taken
        try:
            await self._mail.send(user.email, "Your address was changed", _DONE.format(email=email))
        except MailError as failure:
            LOG.error("change of address not told: %s", failure.public, exc_info=failure)
