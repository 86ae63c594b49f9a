"""What the installation itself writes to people: notices, codes and links.

It goes the way of all mail, from the server and the address that the settings name: signed, held and retried
as that server says. Where they name none, mail that somebody waits for is a temporary failure, and a notice stands in
the log.
"""

from __future__ import annotations

import logging

from chalicelib.config import Settings
from chalicelib.domain.acceptance import Acceptance, Door
from chalicelib.domain.errors import MailError, Refused, TemporaryFailure
from chalicelib.domain.mail.compose import Draft, compose
from chalicelib.domain.mail.header_rendering import Mailbox
from chalicelib.domain.mail.received import rfc2822_date
from chalicelib.domain.model import SYSTEM_CREDENTIAL, Message
from chalicelib.domain.people.members import MEMBERS
from chalicelib.domain.people.roles import Role
from chalicelib.domain.people.users import USERS, user_place
from chalicelib.domain.tenancy.credentials import Credential, CredentialKind
from chalicelib.domain.tenancy.organizations import Organization
from chalicelib.domain.tenancy.owners import of_organization
from chalicelib.domain.tenancy.servers import Server
from chalicelib.ports.clock import Clock
from chalicelib.ports.rand import Rand
from chalicelib.ports.repository import Repository
from chalicelib.services.outgoing.accept import AcceptMail
from chalicelib.services.outgoing.stamp import new_stamp
from chalicelib.services.outgoing.submission import Recipient, Submission
from chalicelib.services.tenancy.authenticate import Principal
from chalicelib.services.tenancy.system_server import SystemServer

LOG = logging.getLogger("posthorn.system_mail")
_FIRST = """\
This is a first message of {server}, sent by Posthorn in its own name.

It needed no domain. For mail in yours, add the domain and publish its records.
"""
MOST_TOLD = 20
_ANSWERING = frozenset({Role.OWNER, Role.ADMIN})
# RFC 3834: nobody's out-of-office reply answers it. Links that let in whoever has them stand as they are: nothing keeps
# a copy of them to lead on from.
_BY_A_MACHINE = (("Auto-Submitted", "auto-generated"), ("X-Posthorn-Track", "no"))


class SystemMail:
    """Sends text to people in the name of the installation."""

    def __init__(
        self,
        settings: Settings,
        system: SystemServer,
        accept: AcceptMail,
        repository: Repository,
        clock: Clock,
        rand: Rand,
    ) -> None:
        self._settings = settings
        self._repository = repository
        self._system = system
        self._accept = accept
        self._clock = clock
        self._rand = rand

    @property
    def is_on(self) -> bool:
        """Whether the settings name a server for it."""
        return self._system.is_named

    async def send(self, to: str, subject: str, text: str) -> None:
        """Accept a mail of plain text to one address. TemporaryFailure when system mail is off, or its server may not
        send; Rejected for an address that no envelope takes."""
        await self._submit(await self._server(), to, subject, text, Door.SYSTEM)

    async def first_message(self, server: Server, to: str) -> tuple[Message, ...]:
        """A first message to somebody, kept as a server's own, which needs no domain for it. TemporaryFailure as
        `send`, Rejected."""
        await self._server()
        text = _FIRST.format(server=server.full_name)
        return await self._submit(server, to, "It works", text, Door.API)

    async def _submit(
        self, server: Server, to: str, subject: str, text: str, door: Door
    ) -> tuple[Message, ...]:
        author = self._settings.system_from
        draft = Draft(
            author=Mailbox("", author),
            to=(Mailbox("", to),),
            subject=subject,
            text=text,
            headers=_BY_A_MACHINE,
        )
        stamp = new_stamp(
            self._rand, self._settings.return_path_domain, rfc2822_date(self._clock.now())
        )
        submission = Submission(
            _principal(server),
            author,
            (Recipient(to),),
            compose(draft, stamp),
            smtputf8=draft.needs_smtputf8,
            acceptance=Acceptance(door),
        )
        try:
            return await self._accept.submit(submission)
        except Refused as refused:
            raise TemporaryFailure(
                f"The server for system mail may not send as its address: {refused.public}"
            ) from refused

    async def notify(self, organization: Organization | None, subject: str, text: str) -> None:
        """Tell those who answer for an organization: its owners and admins. Where there are none, and (None) of what is
        the installation's, the postmaster is told. Never fails: what cannot be mailed is logged."""
        named = {} if organization is None else {"organization": organization.permalink}
        told = {"subject": subject, **named}
        try:
            addresses = await self._answering(organization) if self.is_on else []
            if not addresses:
                LOG.warning("notice", extra={"fields": told})
            for address in addresses:
                await self.send(address, subject, text)
        except MailError as failure:
            LOG.error(
                "notice not mailed: %s", failure.public, exc_info=failure, extra={"fields": told}
            )

    async def _answering(self, organization: Organization | None) -> list[str]:
        """The addresses of those who answer for it, at most MOST_TOLD."""
        found: list[str] = []
        if organization is not None:
            owner = of_organization(organization.id)
            members = await self._repository.all(MEMBERS, owner, fresh=False)
            places = [user_place(one.user_id) for one in members if one.role in _ANSWERING]
            users = await self._repository.get_many(USERS, places[:MOST_TOLD], fresh=False)
            found = sorted(one.email for one in users.values())
        postmaster = self._settings.postmaster
        return found or ([postmaster] if postmaster else [])

    async def _server(self) -> Server:
        server = await self._system.find()
        if server.is_suspended:
            raise TemporaryFailure("The server for system mail is suspended")
        return server


def _principal(server: Server) -> Principal:
    """As whom the installation sends; no such credential is kept."""
    name = SYSTEM_CREDENTIAL
    system = Credential(name, server.id, CredentialKind.API, name, server.created_at)
    return Principal(server, system)
