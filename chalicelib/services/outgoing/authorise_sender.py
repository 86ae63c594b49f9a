"""Whether the author that a message names may send from its server (contract section 2.6)."""

from __future__ import annotations

from itertools import chain

from chalicelib.domain.errors import Refused
from chalicelib.domain.mail.address import addresses_in
from chalicelib.domain.mail.headers import Headers
from chalicelib.domain.mail.mailbox import domain_of
from chalicelib.domain.reply import Reply
from chalicelib.domain.tenancy.domains import Domain
from chalicelib.domain.tenancy.servers import Server
from chalicelib.services.tenancy.authenticate import Principal
from chalicelib.services.tenancy.directory import Directory
from chalicelib.services.tenancy.system_server import SystemServer

NOT_AUTHORISED = "The From address is not authorised to send mail from this server"


class SenderRefused(Refused):
    """The From (or Sender) of a message is not authorised for its credential (contract section 2.6)."""

    code = "sender_refused"
    default_reply = Reply(530, "5.7.1", "From/Sender name is not valid")

    def _own_reply(self, public: str) -> Reply:
        return self.default_reply


class AuthoriseSender:
    """Looks for a verified domain that lets a message go out."""

    def __init__(self, directory: Directory, system: SystemServer) -> None:
        self._directory = directory
        self._system = system

    async def domain(self, principal: Principal, headers: Headers) -> Domain:
        """The domain of From, or of Sender where the server allows that. Raises SenderRefused, which names a domain of
        From that is known and not verified; TemporaryFailure."""
        credential = principal.credential.id
        server = await self._system.whose_domains(principal.server, credential)
        domain = await self._authorised_by(server, headers, "from")
        if domain is None and server.allow_sender:
            domain = await self._authorised_by(server, headers, "sender")
        if domain is None:
            raise SenderRefused(NOT_AUTHORISED + await self._why(server, headers))
        return domain

    async def _why(self, server: Server, headers: Headers) -> str:
        """What to add of the first address of From whose domain is not verified; empty when that is not known here."""
        for address in chain.from_iterable(map(addresses_in, headers.plain_texts("from"))):
            name = domain_of(address)
            if not name or await self._directory.verified_domain(server, name) is None:
                known = await self._directory.unverified_domain(server, name) if name else None
                return f": the domain {known.name} is not verified" if known else ""
        return ""

    async def _authorised_by(self, server: Server, headers: Headers, name: str) -> Domain | None:
        """The domain of the first address of a field if every address of every such field is authorised."""
        first: Domain | None = None
        for text in headers.plain_texts(name):
            addresses = addresses_in(text)
            if not addresses:
                return None
            for address in addresses:
                name = domain_of(address)
                domain = await self._directory.verified_domain(server, name) if name else None
                domain = domain or await self._directory.any_from_domain(server)
                if domain is None:
                    return None
                first = first or domain
        return first
