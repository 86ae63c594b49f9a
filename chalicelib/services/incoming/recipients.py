"""Whether a recipient is ours, and whose (api.md 2.9, "At RCPT").

Addresses of the installation itself come first, then routes of the domain; what is neither is not judged here. Answers
come from the recent configuration. One that says no is at most MOMENT_SECONDS old: before it is given, routes are read
again, once in that time however many are asked for. Nothing here looks at content.
"""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.config import Settings
from chalicelib.domain.errors import NotFound, Refused
from chalicelib.domain.ids import read_return_path_local, read_token
from chalicelib.domain.incoming.routing import routes_for
from chalicelib.domain.mail.mailbox import POSTMASTER, domain_of, local_part
from chalicelib.domain.model import SYSTEM_CREDENTIAL, Origin
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.reply import Reply
from chalicelib.domain.tenancy.routes import Route, RouteMode
from chalicelib.ports.clock import Clock
from chalicelib.services.incoming.accept import REJECTED
from chalicelib.services.incoming.arrivals import IncomingRecipient
from chalicelib.services.incoming.forwarded_senders import ForwardedSenders
from chalicelib.services.tenancy.address_mac import AddressMac
from chalicelib.services.tenancy.client_directory import ClientDirectory
from chalicelib.services.tenancy.directory import Directory

MOMENT_SECONDS = 2
OF_POSTMASTER = frozenset((POSTMASTER, "abuse", "mailer-daemon"))

SUSPENDED = Reply(535, "5.7.0", "Mail server has been suspended")
NOT_FORWARDED = Reply(550, "5.7.1", "This address takes reports on mail that was forwarded alone")
NO_SERVER = Reply(550, "5.1.1", "Invalid server token")
NO_TOKEN = Reply(550, "5.1.1", "Invalid route token")
NO_RECIPIENT = Reply(550, "5.1.1", "No such recipient")
NO_POSTMASTER = Reply(550, "5.1.1", "There is no postmaster")


class Recipients:
    """Decides for whom a recipient is. What is ours and takes no mail raises Refused with the reply."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        directory: Directory,
        clients: ClientDirectory,
        mac: AddressMac,
        senders: ForwardedSenders,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._directory = directory
        self._clients = clients
        self._mac = mac
        self._senders = senders
        self._prefix = f"{settings.custom_return_path_prefix.lower()}."
        self._return_path, self._routes = (
            settings.return_path_domain.lower(),
            settings.route_domain.lower(),
        )
        names = (settings.smtp_hostname, settings.web_hostname, *settings.mx_host_names)
        self._own = {"", self._return_path, self._routes, *map(str.lower, names)}

    def may_be_own(self, address: str) -> bool:
        """Whether `own` may know the address; False for nearly all, without a look at anything."""
        local, _, domain = address.lower().rpartition("@")
        if not local:
            return True
        return domain in self._own or domain.startswith(self._prefix)

    async def own(self, address: str, mail_from: str) -> IncomingRecipient | None:
        """A recipient among the addresses of the installation itself, for mail of this sender; None for any other.
        `postmaster` may stand without a domain. Raises Refused, TemporaryFailure."""
        domain, local = domain_of(address), local_part(address)
        if domain in self._own and local.lower() in OF_POSTMASTER:
            return await self._postmaster(address)
        if domain == self._return_path:
            forwarded = await self._forwarded(address, mail_from)
            if forwarded is not None:
                return forwarded
        if domain == self._return_path or domain.startswith(self._prefix):
            return await self._of_return_path(address, local)
        if domain == self._routes:
            return await self._by_token(address, local)
        return None

    async def hosted(
        self, address: str, known: Sequence[Route] | None = None
    ) -> IncomingRecipient | None:
        """A recipient that a route takes; None when none does. `known` are the routes of its domain where they were
        read just now. Raises Refused, TemporaryFailure."""
        domain, local = domain_of(address), local_part(address)
        recent = await self._directory.routes_of(domain) if known is None else known
        found = routes_for(recent, local)
        if known is None and recent and (not found or _rejects(found)):
            moment = int(self._clock.monotonic()) // MOMENT_SECONDS + 1
            found = routes_for(await self._directory.routes_of(domain, moment), local)
        if not found:
            return None
        await self._check_server(found[0].server_id)
        if _rejects(found):
            raise _refused(REJECTED)
        return IncomingRecipient(found[0].server_id, address, tuple(found))

    async def check_unknown(self, address: str, known: Sequence[Route] | None = None) -> None:
        """Raises Refused for an address of a domain that has routes, but none for it; for all others that is for
        somebody else to say. `known` as for `hosted`."""
        if known or (known is None and await self._directory.routes_of(domain_of(address))):
            raise _refused(NO_RECIPIENT)

    async def _postmaster(self, address: str) -> IncomingRecipient:
        """Forwarded by the server for system mail to who answers for the installation."""
        settings = self._settings
        if not (settings.postmaster and settings.system_server):
            raise _refused(NO_POSTMASTER)
        organization, _, name = settings.system_server.partition("/")
        try:
            server = await self._clients.server_named(organization, name)
        except NotFound as missing:
            raise _refused(NO_POSTMASTER) from missing
        origin = Origin(server.pool, domain_of(settings.system_from), SYSTEM_CREDENTIAL)
        return IncomingRecipient(server.id, settings.postmaster, to=address, forwarded=origin)

    async def _forwarded(self, address: str, mail_from: str) -> IncomingRecipient | None:
        """An address under which mail was forwarded; None for what is none."""
        try:
            found = await self._senders.behind(address, self._clock.now())
        except NotFound as missing:
            raise _refused(NOT_FORWARDED) from missing
        if found is None:
            return None
        if mail_from:
            raise _refused(NOT_FORWARDED)
        await self._check_server(found.server_id, NOT_FORWARDED)
        return IncomingRecipient(found.server_id, address, reports=True)

    async def _of_return_path(self, address: str, local: str) -> IncomingRecipient:
        server = await self._server_of(local)
        if server is None:
            raise _refused(NO_SERVER)
        await self._check_server(server, NO_SERVER)
        route = await self._directory.return_path_route(server)
        # Reports come here too, which no route may keep away: whether one takes the message is known once it is read.
        rejects = route is None or route.mode is RouteMode.REJECT
        routes = () if route is None or rejects else (route,)
        return IncomingRecipient(server, address, routes, asks=False, bounce=True)

    async def _server_of(self, local: str) -> ServerId | None:
        """Whose return path this is."""
        token = read_return_path_local(local, await self._mac.key())
        if token is not None:
            numbers = read_token(token)
            return None if numbers is None else ServerId(numbers[0])
        named = await self._directory.server_by_token(local.partition("+")[0].lower())
        return None if named is None else named.id

    async def _by_token(self, address: str, local: str) -> IncomingRecipient:
        token, plus, tag = local.partition("+")
        route = await self._directory.route_by_token(token.lower())
        if route is None:
            raise _refused(NO_TOKEN)
        await self._check_server(route.server_id, NO_TOKEN)
        if route.mode is RouteMode.REJECT:
            raise _refused(REJECTED)
        routed = address if route.is_return_path else f"{route.name}{plus}{tag}@{route.domain}"
        return IncomingRecipient(route.server_id, routed, (route,), to=address, asks=False)

    async def _check_server(self, server: ServerId, gone: Reply = NO_RECIPIENT) -> None:
        try:
            found = await self._directory.server(server)
        except NotFound as missing:
            raise _refused(gone) from missing
        if found.is_suspended:
            raise _refused(SUSPENDED)


def _refused(reply: Reply) -> Refused:
    return Refused(reply.text, reply=reply)


def _rejects(routes: Sequence[Route]) -> bool:
    """Whether whatever comes is rejected: by the first that asks for nothing, and by all before it."""
    for route in routes:
        if route.mode is not RouteMode.REJECT:
            return False
        if not route.conditions:
            return True
    return False
