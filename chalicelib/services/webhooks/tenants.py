"""Whose lane it is, as far as places are shared: a server stays with its organization, so that each is read once."""

from __future__ import annotations

from chalicelib.domain.errors import NotFound
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.tenancy.entity import Place as Where
from chalicelib.domain.tenancy.owners import of_server
from chalicelib.domain.tenancy.servers import SERVERS
from chalicelib.ports.repository import Repository
from chalicelib.services.webhooks.places import Tenant

MOST_KNOWN = 10_000


class LaneTenants:
    """Knows the tenants of lanes."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._known: dict[ServerId, Tenant] = {}

    async def of(self, server: ServerId) -> Tenant:
        """The tenant of a server. Raises TemporaryFailure."""
        if server in self._known:
            return self._known[server]
        try:
            found = await self._repository.get(SERVERS, Where(of_server(server)), fresh=False)
        except NotFound:
            return Tenant(None, server)
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        self._known[server] = tenant = Tenant(found.organization_id, server)
        return tenant
