"""What users are told by mail of their own account (api.md 2.2)."""

from __future__ import annotations

from contextlib import suppress

from chalicelib.config import Settings
from chalicelib.domain.errors import MailError
from chalicelib.domain.people.tickets import TicketPurpose
from chalicelib.domain.people.users import User
from chalicelib.services.people.tickets import Tickets
from chalicelib.services.system_mail import SystemMail

LINK_SECONDS = 86_400
_CHOOSE = """\
An account was made for you on Posthorn.

Follow this link to choose a password. It works once, and for a day:

{url}
"""
_FACTORS = """\
All second factors of your account on Posthorn were taken away by an operator, and you were signed out everywhere.

Sign in with your password, and set up a second factor anew. If you do not know of this, tell your operator.
"""


class AccountMail:
    """Writes to users."""

    def __init__(self, settings: Settings, tickets: Tickets, mail: SystemMail) -> None:
        self._settings = settings
        self._tickets = tickets
        self._mail = mail

    async def reset_link(self, user: User) -> str:
        """A link by which a user chooses a password: once, within a day."""
        token = await self._tickets.give(TicketPurpose.RESET, user.id, seconds=LINK_SECONDS)
        return f"{self._settings.pages_url}/login/reset/{token}"

    async def choose_password(self, user: User) -> None:
        """Mail a new user the link by which they choose a password. TemporaryFailure."""
        url = await self.reset_link(user)
        await self._mail.send(user.email, "Choose a password", _CHOOSE.format(url=url))

    async def factors_were_reset(self, user: User) -> None:
        """Tell a user that their second factors are gone; where no mail is sent, nobody is told."""
        with suppress(MailError):
            await self._mail.send(user.email, "Your second factors were removed", _FACTORS)
