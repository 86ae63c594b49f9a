"""Who may do what: the questions that the mail path has, answered from the recent configuration.

Answers may be 30 s old, and that something does not exist 2 s, except where a verb says fresh or now. Nothing here
changes anything.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from chalicelib.domain.errors import NotFound
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.tenancy.brought import SERVER_TOKENS, of_server_token
from chalicelib.domain.tenancy.domains import DOMAINS, Domain
from chalicelib.domain.tenancy.endpoints import ENDPOINTS, Endpoint
from chalicelib.domain.tenancy.entity import Place
from chalicelib.domain.tenancy.installation import INSTALLATION, Installation
from chalicelib.domain.tenancy.organizations import ORGANIZATIONS
from chalicelib.domain.tenancy.owners import (
    ALL_ORGANIZATIONS,
    ALL_ROUTE_TOKENS,
    THE_INSTALLATION,
    of_organization,
    of_pool,
    of_return_path_route,
    of_route_domain,
    of_server,
)
from chalicelib.domain.tenancy.pool_rules import POOL_RULES, PoolChoice, in_order
from chalicelib.domain.tenancy.routes import (
    BY_RETURN_PATH,
    BY_ROUTE_DOMAIN,
    BY_TOKEN,
    ROUTES,
    Route,
)
from chalicelib.domain.tenancy.servers import SERVERS, Server
from chalicelib.domain.tenancy.sources import SOURCES, EgressSource
from chalicelib.domain.tenancy.streams import STREAMS, Stream, is_stream_name, with_built_in
from chalicelib.domain.tenancy.track_domains import TRACK_DOMAINS, TrackDomain
from chalicelib.ports.recent import Recent
from chalicelib.ports.repository import Repository


class Directory:
    """The configuration as the mail path asks for it."""

    def __init__(self, repository: Repository, recent: Recent) -> None:
        self._repository = repository
        self._recent = recent

    async def installation(self) -> Installation:
        """The installation; NotFound when it was never set up."""
        found = await self._recent.get(INSTALLATION, Place(THE_INSTALLATION))
        return INSTALLATION.known(found)

    async def server(self, server: ServerId) -> Server:
        """A server; NotFound."""
        found = await self._recent.get(SERVERS, Place(of_server(server)))
        return SERVERS.known(found)

    async def fresh_servers(self, servers: Sequence[ServerId]) -> dict[ServerId, Server]:
        """Servers as they are at this moment, for decisions that must bite at once (suspension)."""
        found = await self._recent.fresh(SERVERS, [Place(of_server(one)) for one in servers])
        return {server.id: server for server in found.values()}

    async def verified_domain(self, server: Server, name: str) -> Domain | None:
        """The verified domain of exactly this (lower-case) name, owned by the server or else by its organization.
        One read."""

        async def read() -> Domain | None:
            return await verified_domain(self._repository, server, name, fresh=False)

        return await self._recent.ask(("domain", server.id, name), read)

    async def verified_domain_now(self, server: Server, name: str) -> Domain | None:
        """The same, for mail that is lost if there is none: that is so at this moment."""

        async def read() -> Domain | None:
            return await verified_domain(self._repository, server, name)

        known = await self.verified_domain(server, name)
        return known or await self._recent.ask_now(("domain", server.id, name), read)

    async def unverified_domain(self, server: Server, name: str) -> Domain | None:
        """The domain of exactly this (lower-case) name that the server or its organization has, when none that they
        have is verified. One read."""

        async def read() -> Domain | None:
            known = await _domains(self._repository, server, name, fresh=False)
            return known[0] if known and not any(one.verified_at for one in known) else None

        return await self._recent.ask(("unverified", server.id, name), read)

    async def any_from_domain(self, server: Server) -> Domain | None:
        """The first, by name, verified domain of the server that is flagged `use_for_any` (contract 2.6)."""

        async def read() -> Domain | None:
            known = await self._repository.all(DOMAINS, of_server(server.id))
            usable = (one for one in known if one.use_for_any and one.verified_at is not None)
            return next(usable, None)

        return await self._recent.ask(("any", server.id), read)

    async def track_domain(self, server: ServerId, domain: str) -> TrackDomain | None:
        """The track domain that a server has for this (lower-case) sending domain, whatever its DNS status."""

        async def read() -> TrackDomain:
            place = Place(of_server(server), domain)
            return await self._repository.get(TRACK_DOMAINS, place, fresh=False)

        return await self._recent.ask(("track", server, domain), read)

    async def pool_choice(self, server: Server) -> PoolChoice:
        """The pool rules for the mail of a server: two queries, and none again for as long as other answers are kept,
        though most servers have no rules."""

        async def read() -> PoolChoice:
            owners = (of_server(server.id), of_organization(server.organization_id))
            own, shared = await asyncio.gather(
                *(self._repository.all(POOL_RULES, owner, fresh=False) for owner in owners)
            )
            return in_order(own, shared)

        return await self._recent.ask(("pool rules", server.id), read) or PoolChoice()

    async def stream(self, server: ServerId, name: str) -> Stream | None:
        """A stream that mail names: one query, and none again for as long as other answers are kept. One that was made
        meanwhile is looked for."""
        known = (await self._streams(server)).get(name)
        if known is not None or not is_stream_name(name):
            return known
        try:
            return await self._repository.get(STREAMS, Place(of_server(server), name))
        except NotFound:
            return None

    async def _streams(self, server: ServerId) -> Mapping[str, Stream]:

        async def read() -> Mapping[str, Stream]:
            stored = await self._repository.all(STREAMS, of_server(server), fresh=False)
            return with_built_in(server, stored)

        return await self._recent.ask(("streams", server), read) or with_built_in(server, ())

    async def egress_sources(self, pool: str) -> tuple[EgressSource, ...]:
        """The ways out of a pool, by name."""

        async def read() -> list[EgressSource]:
            return await self._repository.all(SOURCES, of_pool(pool))

        return tuple(await self._recent.ask(("pool", pool), read) or ())

    async def routes_of(self, domain: str, moment: int = 0) -> Sequence[Route]:
        """The routes of a (lower-case) domain, whoever has them. Who counts moments shares answers with those of the
        same moment alone. One query."""

        async def read() -> list[Route]:
            owner = of_route_domain(domain)
            return await self._repository.all(ROUTES, owner, BY_ROUTE_DOMAIN, fresh=False)

        return await self._recent.ask(("routes", domain, moment), read) or ()

    async def route_by_token(self, token: str) -> Route | None:
        """The route with this token in its forwarding address, in any letter case."""

        async def read() -> Route:
            place = Place(ALL_ROUTE_TOKENS, token.lower())
            return await self._repository.find(ROUTES, BY_TOKEN, place, fresh=False)

        return await self._recent.ask(("route token", token), read)

    async def return_path_route(self, server: ServerId) -> Route | None:
        """The route that a server has for what comes to its return path."""

        async def read() -> Route:
            place = Place(of_return_path_route(server))
            return await self._repository.find(ROUTES, BY_RETURN_PATH, place, fresh=False)

        return await self._recent.ask(("return path", server), read)

    async def route(self, server: ServerId, route: str) -> Route | None:
        """A route by its id."""
        return await self._recent.get(ROUTES, Place(of_server(server), route))

    async def endpoint(self, server: ServerId, endpoint: str) -> Endpoint | None:
        """An endpoint by its id."""
        return await self._recent.get(ENDPOINTS, Place(of_server(server), endpoint))

    async def server_by_old_token(self, token: str) -> Server | None:
        """The server that was brought with this token. One read, which asks for nothing of others."""
        found = await self._recent.get(SERVER_TOKENS, Place(of_server_token(token)))
        return None if found is None else await self.server(found.server_id)

    async def server_by_token(self, token: str) -> Server | None:
        """The server with this token in its return path, in any letter case. One query for each organization, and none
        again for as long as answers are kept, whatever tokens are asked for: a server made meanwhile is found after
        that."""

        async def read() -> dict[str, ServerId]:
            found: dict[str, ServerId] = {}
            for one in await self._repository.all(ORGANIZATIONS, ALL_ORGANIZATIONS, fresh=False):
                owner = of_organization(one.id)
                servers = await self._repository.all(SERVERS, owner, fresh=False)
                found |= {server.token.lower(): server.id for server in servers}
            return found

        tokens = await self._recent.ask(("server tokens",), read) or {}
        named = tokens.get(token.lower())
        return None if named is None else await self.server(named)


async def verified_domain(
    repository: Repository, server: Server, name: str, *, fresh: bool = True
) -> Domain | None:
    """The verified domain of this name, of the server or else of its organization: one read."""
    known = await _domains(repository, server, name, fresh=fresh)
    return next((one for one in known if one.verified_at is not None), None)


async def _domains(
    repository: Repository, server: Server, name: str, *, fresh: bool
) -> list[Domain]:
    """The server's domain of this name, and its organization's."""
    owners = (of_server(server.id), of_organization(server.organization_id))
    places = [Place(owner, name) for owner in owners]
    found = await repository.get_many(DOMAINS, places, fresh=fresh)
    return [found[place] for place in places if place in found]
