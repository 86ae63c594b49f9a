"""Who asks by HTTP, what they may, and in which tenant a request acts (api.md 1.1 to 1.3).

A caller is a server key or a management key. The tenant comes from a server key itself, or is named by whoever has
another; what a caller does not reach is like what is not there.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from chalicelib.domain.errors import NotFound, Refused, Rejected
from chalicelib.domain.numbering import OrganizationId, ServerId
from chalicelib.domain.tenancy import scopes
from chalicelib.domain.tenancy.audit import Actor
from chalicelib.domain.tenancy.credentials import Credential, CredentialKind
from chalicelib.domain.tenancy.entity import Place
from chalicelib.domain.tenancy.management_keys import ManagementKey
from chalicelib.domain.tenancy.networks import covers
from chalicelib.domain.tenancy.organizations import ORGANIZATIONS, Organization
from chalicelib.domain.tenancy.owners import ALL_ORGANIZATIONS
from chalicelib.domain.tenancy.scopes import Reach, first_missing, granted
from chalicelib.domain.tenancy.servers import Server
from chalicelib.ports.recent import Recent
from chalicelib.services.tenancy.authenticate import Authenticate, Principal
from chalicelib.services.tenancy.client_directory import ClientDirectory

API_KEYS = frozenset({CredentialKind.API})
OPERATOR = "operator"  # stands for the id of a key, which no key has
NO_TENANT = "There is no such organization or server"
_TENANT = re.compile(r"[a-z0-9-]{1,64}(/[a-z0-9-]{1,64})?")


class ScopeMissing(Refused):
    """The credential lacks a scope; `scope` says which."""

    code = "scope_missing"

    def __init__(self, scope: str) -> None:
        super().__init__(f"This needs the scope {scope}", scope=scope)
        self.scope = scope


class TenantRequired(Rejected):
    """The request acts in a tenant, and names none."""

    code = "tenant_required"


@dataclass(frozen=True, slots=True)
class Tenant:
    """An organization, or one of its servers, in which a request acts."""

    organization_id: OrganizationId
    permalink: str
    server: Server | None = None

    @staticmethod
    def of(server: Server) -> Tenant:
        """The tenant that a server is."""
        return Tenant(server.organization_id, server.organization_permalink, server)

    @property
    def name(self) -> str:
        """`acme` or `acme/mail`."""
        return self.permalink if self.server is None else self.server.full_name


@dataclass(frozen=True, slots=True)
class Caller:
    """A key, and (for a server key) its server. An operator's key is one that nobody can show."""

    key: Credential | ManagementKey
    server: Server | None = None

    @staticmethod
    def operator(name: str) -> Caller:
        """Somebody who has the storage itself in hand, and so may do everything."""
        return Caller(ManagementKey(OPERATOR, name, 0, "", "", "", (scopes.EVERYTHING,)))

    @property
    def actor(self) -> Actor:
        """What the audit log calls it."""
        if self.key.id == OPERATOR:
            return Actor("system", self.key.name)
        return Actor("key", self.key.name, self.key.id)

    @property
    def reach(self) -> Reach:
        """How far it reaches."""
        return Reach.SERVER if isinstance(self.key, Credential) else self.key.reach

    @property
    def scopes(self) -> frozenset[str]:
        """All that its scopes stand for."""
        return granted(self.key.scopes, self.reach)

    @property
    def organization_id(self) -> OrganizationId | None:
        """Its organization; None for a key of the installation."""
        if self.server is not None:
            return self.server.organization_id
        return self.key.organization_id if isinstance(self.key, ManagementKey) else None

    @property
    def servers(self) -> tuple[ServerId, ...] | None:
        """The servers it is limited to; None for all."""
        if self.server is not None:
            return (self.server.id,)
        return self.key.servers if isinstance(self.key, ManagementKey) else None

    @property
    def is_of_installation(self) -> bool:
        """Whether it is a key of the installation."""
        return self.reach is Reach.INSTALLATION

    def reaches_organization(self, organization: OrganizationId) -> bool:
        """Whether an organization is there for it."""
        return self.is_of_installation or self.organization_id == organization

    def reaches_server(self, server: Server) -> bool:
        """Whether a server is there for it."""
        limited = self.servers is not None and server.id not in self.servers
        return self.reaches_organization(server.organization_id) and not limited

    def require(self, *wanted: str) -> None:
        """ScopeMissing for the first scope that it lacks."""
        if missing := first_missing(wanted, self.scopes):
            raise ScopeMissing(missing)

    def may_give(
        self,
        wanted: Collection[str],
        reach: Reach,
        networks: tuple[str, ...],
        expires_at: int | None,
    ) -> None:
        """Nobody gives a key, of this reach, more than they have: ScopeMissing for scopes, Refused for networks and
        ends beyond its own."""
        if scopes.EVERYTHING in wanted and scopes.EVERYTHING not in self.key.scopes:
            raise ScopeMissing(scopes.EVERYTHING)
        self.require(*(() if scopes.EVERYTHING in wanted else granted(wanted, reach)))
        self.may_give_networks(networks)
        self.may_give_end(expires_at)

    def may_give_networks(self, networks: tuple[str, ...]) -> None:
        """Refused for networks that do not lie inside its own, if it has any."""
        own = self.key.networks
        if own and not (networks and all(covers(own, network) for network in networks)):
            raise Refused("Each network must lie inside one of this key's own")

    def may_give_end(self, expires_at: int | None) -> None:
        """Refused for an end, in epoch seconds, that comes after its own, if it has one."""
        end = self.key.expires_at
        if end is not None and (expires_at is None or expires_at > end):
            until = datetime.fromtimestamp(end, UTC).isoformat().replace("+00:00", "Z")
            raise Refused(f"It may not outlive this key, which ends at {until}")

    def may_give_hold(self, *, hold: bool) -> None:
        """Refused for a credential that holds nothing, given by one that holds everything."""
        if not hold and isinstance(self.key, Credential) and self.key.hold:
            raise Refused("This key holds what it submits, and so must those that it gives")

    def require_whole_organization(self) -> None:
        """Refused for a key that is limited to some servers: it changes nothing of the organization."""
        if self.servers is not None:
            raise Refused("This key is limited to some servers and changes nothing else")

    def sender(self, server: Server) -> Principal:
        """The principal as which it sends from a server that it reaches."""
        if isinstance(self.key, Credential):
            return Principal(server, self.key)
        stands_for = Credential(
            self.key.id, server.id, CredentialKind.API, self.key.name, self.key.created_at
        )
        return Principal(server, replace(stands_for, hint=self.key.hint))


class Callers:
    """Finds who asks, and the tenant that they name."""

    def __init__(
        self, authenticate: Authenticate, clients: ClientDirectory, recent: Recent
    ) -> None:
        self._authenticate = authenticate
        self._clients = clients
        self._recent = recent

    async def by_key(self, key: str, address: str) -> Caller:
        """Who shows a key from a client address. Unauthenticated, NetworkRefused, TooManyUnknownKeys."""
        if key.startswith("phm_"):
            return Caller(await self._authenticate.management_key(key, address))
        principal = await self._authenticate.by_key(key, API_KEYS, address, counting=True)
        return Caller(principal.credential, principal.server)

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
