"""Finds who asks by HTTP, and the tenant in which a request acts (api.md 1.1 to 1.3).

A caller is a server key, a management key or a person with a session. The tenant comes from a server key itself, or is
named by whoever is something else; what a caller does not reach is like what is not there.
"""

from __future__ import annotations

import re

from chalicelib.domain.errors import NotFound
from chalicelib.domain.tenancy.credentials import CredentialKind
from chalicelib.domain.tenancy.entity import Place
from chalicelib.domain.tenancy.organizations import ORGANIZATIONS, Organization
from chalicelib.domain.tenancy.owners import ALL_ORGANIZATIONS
from chalicelib.domain.tenancy.servers import Server
from chalicelib.ports.recent import Recent
from chalicelib.services.tenancy.authenticate import Authenticate
from chalicelib.services.tenancy.caller import Caller, Tenant, TenantRequired
from chalicelib.services.tenancy.client_directory import ClientDirectory
from chalicelib.services.tenancy.signed_in import FindSignedIn

API_KEYS = frozenset({CredentialKind.API})
NO_TENANT = "There is no such organization or server"
_TENANT = re.compile(r"[a-z0-9-]{1,64}(/[a-z0-9-]{1,64})?")


class Callers:
    """Finds who asks, and the tenant that they name."""

    def __init__(
        self,
        authenticate: Authenticate,
        people: FindSignedIn,
        clients: ClientDirectory,
        recent: Recent,
    ) -> None:
        self._authenticate = authenticate
        self._people = people
        self._clients = clients
        self._recent = recent

    async def by_key(self, key: str, address: str) -> Caller:
        """Who shows a key from a client address. Unauthenticated, NetworkRefused, TooManyUnknownKeys."""
        if key.startswith("phm_"):
            return Caller(await self._authenticate.management_key(key, address))
        principal = await self._authenticate.by_key(key, API_KEYS, address, counting=True)
        return Caller(principal.credential, principal.server)

    async def by_session(self, token: str, address: str) -> Caller:
        """Who shows the token of a session from a client address. Unauthenticated."""
        return Caller.of_person(await self._people.by_token(token, address))

    async def tenant(self, caller: Caller, name: str | None) -> Tenant:
        """The tenant of a request that names one, or (None) does not. TenantRequired, NotFound."""
        if caller.server is not None:
            if name not in (None, caller.server.full_name):
                raise NotFound(NO_TENANT)
            return Tenant.of(caller.server)
        if name is None:
            raise TenantRequired("The header Posthorn-Tenant must name an organization or a server")
        if _TENANT.fullmatch(name) is None:
            raise NotFound(NO_TENANT)
        organization, _, server = name.partition("/")
        if server:
            return Tenant.of(await self.server(caller, organization, server))
        found = await self.organization(caller, organization)
        return Tenant(found.id, found.permalink)

    async def organization(self, caller: Caller, permalink: str) -> Organization:
        """An organization that the caller reaches; NotFound."""
        place = Place(ALL_ORGANIZATIONS, permalink)
        found = await self._recent.get(ORGANIZATIONS, place)
        if found is None:  # perhaps it was made a moment ago, by another process
            found = (await self._recent.fresh(ORGANIZATIONS, [place])).get(place)
        if found is None or not caller.reaches_organization(found.id):
            raise NotFound(NO_TENANT)
        return found

    async def server(self, caller: Caller, organization: str, permalink: str) -> Server:
        """A server that the caller reaches; NotFound."""
        try:
            found = await self._clients.server_named_now(organization, permalink)
        except NotFound as missing:
            raise NotFound(NO_TENANT) from missing
        if not caller.reaches_server(found):
            raise NotFound(NO_TENANT)
        return found
