"""Configuration kept in the process: one set of facts, changed by `MemoryAccounts` and read by `MemoryDirectory`.

Reads are always fresh here; a real directory may answer with what was true half a minute ago.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from chalicelib.domain.engagement import TrackDomain
from chalicelib.domain.errors import Conflict, NotFound
from chalicelib.domain.networks import narrowest
from chalicelib.domain.tenancy import (
    Credential,
    CredentialKind,
    Domain,
    EgressSource,
    Installation,
    Organization,
    OrganizationId,
    Server,
    ServerId,
)
from chalicelib.ports.accounts import Accounts
from chalicelib.ports.directory import Directory

_Owner = tuple[OrganizationId, ServerId | None]
_T = TypeVar("_T")


@dataclass(slots=True)
class Configuration:
    """The facts that accounts and directory share."""

    installation: Installation | None = None
    numbers: dict[str, int] = field(default_factory=dict)
    organizations: dict[str, Organization] = field(default_factory=dict)
    servers: dict[ServerId, Server] = field(default_factory=dict)
    domains: dict[tuple[_Owner, str], Domain] = field(default_factory=dict)
    credentials: dict[tuple[ServerId, str], Credential] = field(default_factory=dict)
    track_domains: dict[tuple[ServerId, str], TrackDomain] = field(default_factory=dict)
    sources: dict[tuple[str, str], EgressSource] = field(default_factory=dict)
    pools: set[str] = field(default_factory=set)

    def as_it_is(self, server: Server) -> Server:
        """The server with its organization's suspension of this moment."""
        suspended = any(
            organization.suspended_at is not None
            for organization in self.organizations.values()
            if organization.id == server.organization_id
        )
        if suspended == server.organization_suspended:
            return server
        return replace(server, organization_suspended=suspended)


class MemoryAccounts(Accounts):
    """The `Accounts` port in memory."""

    def __init__(self, configuration: Configuration) -> None:
        self._facts = configuration

    async def install(self, installation: Installation) -> bool:
        """Set the installation up; False when it was already."""
        if self._facts.installation is not None:
            return False
        self._facts.installation = installation
        return True

    async def next_number(self, kind: str) -> int:
        """A fresh number of a kind."""
        self._facts.numbers[kind] = self._facts.numbers.get(kind, 0) + 1
        return self._facts.numbers[kind]

    async def add_organization(self, organization: Organization) -> None:
        """Conflict when the permalink is taken."""
        if organization.permalink in self._facts.organizations:
            raise Conflict("This organization already exists")
        self._facts.organizations[organization.permalink] = organization

    async def organizations(self) -> list[Organization]:
        """All organizations, by permalink."""
        return [value for _, value in sorted(self._facts.organizations.items())]

    async def organization(self, permalink: str) -> Organization:
        """By permalink."""
        return _known(self._facts.organizations.get(permalink), "organization")

    async def update_organization(self, organization: Organization) -> None:
        """Change everything but id and permalink."""
        _known(self._facts.organizations.get(organization.permalink), "organization")
        self._facts.organizations[organization.permalink] = organization

    async def add_server(self, server: Server) -> None:
        """Conflict when the organization has this permalink already, or the id is taken."""
        names = {(s.organization_id, s.permalink) for s in self._facts.servers.values()}
        if server.id in self._facts.servers or (server.organization_id, server.permalink) in names:
            raise Conflict("This server already exists")
        self._facts.servers[server.id] = server

    async def servers(self, organization: OrganizationId) -> list[Server]:
        """The servers of an organization, by permalink."""
        found = [s for s in self._facts.servers.values() if s.organization_id == organization]
        return [self._facts.as_it_is(s) for s in sorted(found, key=lambda s: s.permalink)]

    async def server(self, organization: str, permalink: str) -> Server:
        """By permalinks."""
        owner = await self.organization(organization)
        for server in self._facts.servers.values():
            if server.organization_id == owner.id and server.permalink == permalink:
                return self._facts.as_it_is(server)
        raise NotFound("There is no such server")

    async def update_server(self, server: Server) -> None:
        """Change everything but id, organization and permalink."""
        _known(self._facts.servers.get(server.id), "server")
        self._facts.servers[server.id] = server

    async def add_domain(self, domain: Domain) -> None:
        """Conflict when this owner has the name already."""
        if _domain_key(domain) in self._facts.domains:
            raise Conflict("This domain already exists")
        self._facts.domains[_domain_key(domain)] = domain

    async def domains(self, organization: OrganizationId, server: ServerId | None) -> list[Domain]:
        """The domains of exactly this owner, by name."""
        owner = _owner(organization, server)
        found = [domain for key, domain in self._facts.domains.items() if key[0] == owner]
        return sorted(found, key=lambda domain: domain.name)

    async def update_domain(self, domain: Domain) -> None:
        """Change everything but owner and name."""
        _known(self._facts.domains.get(_domain_key(domain)), "domain")
        self._facts.domains[_domain_key(domain)] = domain

    async def remove_domain(self, domain: Domain) -> None:
        """Remove a domain."""
        _known(self._facts.domains.pop(_domain_key(domain), None), "domain")

    async def add_track_domain(self, track: TrackDomain) -> None:
        """Conflict when the server has one for this sending domain."""
        if (track.server_id, track.domain) in self._facts.track_domains:
            raise Conflict("This track domain already exists")
        self._facts.track_domains[track.server_id, track.domain] = track

    async def track_domains(self, server: ServerId) -> list[TrackDomain]:
        """Those of a server, by sending domain."""
        found = [one for key, one in self._facts.track_domains.items() if key[0] == server]
        return sorted(found, key=lambda one: one.domain)

    async def update_track_domain(self, track: TrackDomain) -> None:
        """Change everything but server and sending domain."""
        key = (track.server_id, track.domain)
        _known(self._facts.track_domains.get(key), "track domain")
        self._facts.track_domains[key] = track

    async def remove_track_domain(self, track: TrackDomain) -> None:
        """Remove a track domain."""
        key = (track.server_id, track.domain)
        _known(self._facts.track_domains.pop(key, None), "track domain")

    async def add_credential(self, credential: Credential) -> None:
        """Conflict when id, key digest or network (of this server) is taken."""
        for known in self._facts.credentials.values():
            same_id = known.id == credential.id and known.server_id == credential.server_id
            if same_id or _look_up(known) == _look_up(credential):
                raise Conflict("This credential already exists")
        self._facts.credentials[credential.server_id, credential.id] = credential

    async def credentials(self, server: ServerId) -> list[Credential]:
        """The credentials of a server, by id."""
        found = [c for c in self._facts.credentials.values() if c.server_id == server]
        return sorted(found, key=lambda credential: credential.id)

    async def update_credential(self, credential: Credential) -> None:
        """Change everything but server, id, digest and network."""
        key = (credential.server_id, credential.id)
        _known(self._facts.credentials.get(key), "credential")
        self._facts.credentials[key] = credential

    async def remove_credential(self, credential: Credential) -> None:
        """Remove a credential."""
        key = (credential.server_id, credential.id)
        _known(self._facts.credentials.pop(key, None), "credential")

    async def note_use(self, credential: Credential, at: int) -> None:
        """Remember when a credential was used; one that is gone stays gone."""
        for known in await self.credentials(credential.server_id):
            if known.id == credential.id:
                await self.update_credential(replace(known, last_used_at=at))

    async def add_egress_source(self, source: EgressSource) -> None:
        """Conflict when the pool has a source of this name."""
        if (source.pool, source.name) in self._facts.sources:
            raise Conflict("This egress source already exists")
        self._facts.sources[source.pool, source.name] = source
        self._facts.pools.add(source.pool)

    async def egress_sources(self, pool: str) -> list[EgressSource]:
        """The sources of a pool, by name."""
        found = [source for key, source in self._facts.sources.items() if key[0] == pool]
        return sorted(found, key=lambda source: source.name)

    async def egress_pools(self) -> list[str]:
        """The pools that ever had a source, by name."""
        return sorted(self._facts.pools)

    async def update_egress_source(self, source: EgressSource) -> None:
        """Change everything but pool and name."""
        key = (source.pool, source.name)
        _known(self._facts.sources.get(key), "egress source")
        self._facts.sources[key] = source

    async def remove_egress_source(self, source: EgressSource) -> None:
        """Remove a source."""
        _known(self._facts.sources.pop((source.pool, source.name), None), "egress source")


class MemoryDirectory(Directory):
    """The `Directory` port in memory."""

    def __init__(self, configuration: Configuration) -> None:
        self._facts = configuration
        self._accounts = MemoryAccounts(configuration)

    async def installation(self) -> Installation:
        """The installation."""
        return _known(self._facts.installation, "installation")

    async def server(self, server: ServerId) -> Server:
        """A server."""
        return self._facts.as_it_is(_known(self._facts.servers.get(server), "server"))

    async def fresh_servers(self, servers: Sequence[ServerId]) -> dict[ServerId, Server]:
        """Those of the servers that exist."""
        known = self._facts.servers
        return {one: self._facts.as_it_is(known[one]) for one in servers if one in known}

    async def server_named(self, organization: str, server: str) -> Server:
        """By permalinks."""
        return await self._accounts.server(organization, server)

    async def credential(self, digest: str) -> Credential:
        """By key digest."""
        for credential in self._facts.credentials.values():
            if digest and credential.digest == digest:
                return credential
        raise NotFound("There is no such credential")

    async def cram_credentials(self, server: ServerId) -> tuple[Credential, ...]:
        """SMTP credentials of a server with a sealed key."""
        return tuple(
            credential
            for credential in await self._accounts.credentials(server)
            if credential.kind is CredentialKind.SMTP and credential.sealed_key is not None
        )

    async def ip_credential(self, address: str) -> Credential | None:
        """By client address, longest network first."""
        candidates = [
            credential
            for credential in self._facts.credentials.values()
            if credential.kind is CredentialKind.SMTP_IP
        ]
        return narrowest(candidates, address)

    async def credential_by_id(self, server: ServerId, credential: str) -> Credential | None:
        """By public id."""
        return self._facts.credentials.get((server, credential))

    async def verified_domain(self, server: Server, name: str) -> Domain | None:
        """The server's own domain of this name, or else its organization's."""
        for owner in (server.id, None):
            domain = self._facts.domains.get((_owner(server.organization_id, owner), name))
            if domain is not None and domain.verified_at is not None:
                return domain
        return None

    async def any_from_domain(self, server: Server) -> Domain | None:
        """The server's first verified domain with `use_for_any`."""
        for domain in await self._accounts.domains(server.organization_id, server.id):
            if domain.use_for_any and domain.verified_at is not None:
                return domain
        return None

    async def track_domain(self, server: ServerId, domain: str) -> TrackDomain | None:
        """The track domain of a server's sending domain."""
        return self._facts.track_domains.get((server, domain))

    async def egress_sources(self, pool: str) -> tuple[EgressSource, ...]:
        """The sources of a pool, by name."""
        return tuple(await self._accounts.egress_sources(pool))


def _owner(organization: OrganizationId, server: ServerId | None) -> _Owner:
    # A server has one organization, so the server alone identifies its domains.
    return (OrganizationId(0), server) if server is not None else (organization, None)


def _domain_key(domain: Domain) -> tuple[_Owner, str]:
    return _owner(domain.organization_id, domain.server_id), domain.name


def _look_up(credential: Credential) -> tuple[str, str]:
    if credential.kind is CredentialKind.SMTP_IP:
        return f"server {credential.server_id}", credential.network or ""
    return "digest", credential.digest


def _known(value: _T | None, what: str) -> _T:
    if value is None:
        raise NotFound(f"There is no such {what}")
    return value
