"""Organizations, servers and all that they have, brought in an order in which each comes after what it names."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from chalicelib.domain.destination_guard import DestinationGuard
from chalicelib.domain.errors import Conflict, NotFound
from chalicelib.domain.numbering import OrganizationId, ServerId
from chalicelib.domain.postal.config import Names
from chalicelib.domain.postal.credentials import credential_of
from chalicelib.domain.postal.domains import Owner, domain_of, routed_domains, track_domain_of
from chalicelib.domain.postal.messages import Known
from chalicelib.domain.postal.other_names import Named
from chalicelib.domain.postal.receivers import (
    address_endpoint_of,
    http_endpoint_of,
    renamed,
    smtp_endpoint_of,
    webhook_of,
)
from chalicelib.domain.postal.routes import route_of
from chalicelib.domain.postal.rows import Row, moment, number, text, uuid_of
from chalicelib.domain.postal.tenants import Pools, organization_of, server_of
from chalicelib.domain.postal.wanted import refused
from chalicelib.domain.postal.ways_out import rule_of
from chalicelib.domain.tenancy.brought import SERVER_TOKENS, ServerToken
from chalicelib.domain.tenancy.domain_states import DOMAIN_STATES, DomainState
from chalicelib.domain.tenancy.domains import Domain
from chalicelib.domain.tenancy.entity import Place
from chalicelib.domain.tenancy.organizations import ORGANIZATIONS, Organization
from chalicelib.domain.tenancy.owners import ALL_ORGANIZATIONS, of_organization
from chalicelib.domain.tenancy.removals import REMOVALS, place_of
from chalicelib.domain.tenancy.servers import BY_PERMALINK, SERVERS, Server
from chalicelib.ports.repository import Repository
from onehost.postal.bring import Bring, Found
from onehost.postal.database import Database
from onehost.postal.files import rsa_key
from onehost.postal.memory import Memory

NOBODYS, LIVING = 1 << 30, "deleted_at IS NULL"
PURGED = "what was called so was removed here, and is being purged: try again within a day"


@dataclass(frozen=True, slots=True)
class BroughtServer:
    """A server that is here, with what its messages name; `number` is Postal's."""

    server: Server
    number: int
    known: Known
    memory: Memory


@dataclass(frozen=True, slots=True)
class Tenants:
    """Brings tenants out of the main database. `names` are Postal's and ours; `brought` the organizations by then."""

    main: Database
    bring: Bring
    names: tuple[Names, Names]
    guard: DestinationGuard
    pools: Pools
    named: Named
    brought: dict[int, Organization] = field(default_factory=dict)

    async def all(self) -> AsyncIterator[BroughtServer]:
        """Each server once all that it has is here."""
        domains = await self.main.all("domains")
        for row in await self.main.all("organizations", LIVING):
            memory = await self._memory(uuid_of(row, "organizations"))
            organization = await self._organization(row, memory)
            if organization is None:
                continue
            number_there = number(row, "id") or 0
            self.brought[number_there] = organization
            routed = routed_domains(await self.main.all("routes"))
            owned = [one for one in domains if _owner(one) == ("Organization", number_there)]
            shared = await self._domains(owned, organization, None, memory, routed)
            await self._rules("Organization", number_there, organization, None, memory)
            mine = LIVING + " AND organization_id = %s"
            for each in await self.main.all("servers", mine, (number_there,)):
                owned = [one for one in domains if _owner(one) == ("Server", each["id"])]
                found = await self._server(each, organization, (owned, shared), routed)
                if found is not None:
                    yield found

    async def _organization(self, row: Row, memory: Memory) -> Organization | None:
        repository = self.bring.program[Repository]
        permalink = text(row, "permalink") or ""
        known = memory.of("organizations", uuid_of(row, "organizations"))
        identifier = 0 if known is None else known.number
        if known is None:
            with suppress(NotFound):
                place = Place(ALL_ORGANIZATIONS, permalink)
                identifier = (await repository.get(ORGANIZATIONS, place)).id
            if not identifier and await self._is_purged(permalink):
                self.bring.report.note(refused(f"organization {permalink}", PURGED))
                return None
            if not identifier:
                identifier = await self._next("organization", row)
        found = organization_of(row, OrganizationId(identifier), self.pools)
        brought = await self.bring.noun(memory, found, identifier)
        if brought is None:
            self.bring.report.note(
                refused(f"organization {permalink}", "with it all that it has is not brought")
            )
        return brought

    async def _server(
        self,
        row: Row,
        organization: Organization,
        owned: tuple[Sequence[Row], dict[int, str]],
        routed: frozenset[int],
    ) -> BroughtServer | None:
        memory = await self._memory(uuid_of(row, "servers"))
        identifier = await self._server_id(row, organization, memory)
        if identifier is None:
            return None
        found = server_of(row, organization, identifier, self.pools)
        server: Server | None = await self.bring.noun(memory, found, identifier)
        if server is None:
            return None
        self.named.add(server)
        if not self.bring.dry_run:
            with suppress(Conflict):
                token = ServerToken(server.token, server.id)
                await self.bring.program[Repository].add(SERVER_TOKENS, token)
        rows, shared = owned
        domains = await self._domains(rows, organization, server, memory, routed)
        known = await self._things(row, server, shared | domains, memory)
        await self._rules("Server", row["id"], organization, server, memory)
        return BroughtServer(server, int(row["id"]), known, memory)

    async def _server_id(
        self, row: Row, organization: Organization, memory: Memory
    ) -> ServerId | None:
        """Its number here: the one that it got before, that of what is there under its name, or a new one."""
        repository, permalink = self.bring.program[Repository], text(row, "permalink") or ""
        known = memory.of("servers", uuid_of(row, "servers"))
        if known is not None:
            return ServerId(known.number)
        with suppress(NotFound):
            place = Place(of_organization(organization.id), permalink)
            return (await repository.find(SERVERS, BY_PERMALINK, place)).id
        full = f"{organization.permalink}/{permalink}"
        if await self._is_purged(full):
            self.bring.report.note(refused(f"server {full}", PURGED))
            return None
        return ServerId(await self._next("server", row))

    async def _things(
        self, row: Row, server: Server, domains: dict[int, str], memory: Memory
    ) -> Known:
        """What only servers have."""
        mine = ("server_id = %s", (row["id"],))
        credentials = {}
        for each in await self.main.all("credentials", *mine):
            credential = await self._noun(memory, credential_of(each, server))
            if credential is not None:
                credentials[int(each["id"])] = credential.id
        for each in await self.main.all("track_domains", *mine):
            await self._noun(memory, track_domain_of(each, server, domains, self.names))
        endpoints = await self._endpoints(mine, server, memory)
        routes = await self._routes(mine, server, (domains, endpoints), memory)
        hooks = await self.main.all("webhooks", *mine)
        events = await self.main.of("webhook_events", "webhook_id", [int(h["id"]) for h in hooks])
        for each in hooks:
            chosen = [one for one in events if one["webhook_id"] == each["id"]]
            await self._noun(memory, webhook_of(each, chosen, server, self.guard))
        return Known(server, domains, credentials, routes, endpoints)

    async def _endpoints(
        self, mine: tuple[str, tuple[Any, ...]], server: Server, memory: Memory
    ) -> dict[tuple[str, int], str]:
        """Their ids, by Postal's type and number."""
        made: list[tuple[str, Row, Found]] = []
        for row in await self.main.all("http_endpoints", *mine):
            made.append(("HTTPEndpoint", row, http_endpoint_of(row, server, self.guard)))
        for row in await self.main.all("smtp_endpoints", *mine):
            made.append(("SMTPEndpoint", row, smtp_endpoint_of(row, server, self.guard)))
        for row in await self.main.all("address_endpoints", *mine):
            made.append(("AddressEndpoint", row, address_endpoint_of(row, server)))
        ids: dict[tuple[str, int], str] = {}
        taken: set[str] = set()
        for kind, row, found in made:
            endpoint = await self._noun(memory, renamed(found, taken))
            if endpoint is not None:
                ids[kind, int(row["id"])] = endpoint.id
        return ids

    async def _routes(
        self,
        mine: tuple[str, tuple[Any, ...]],
        server: Server,
        known: tuple[dict[int, str], dict[tuple[str, int], str]],
        memory: Memory,
    ) -> dict[int, str]:
        """Their ids, by Postal's number."""
        domains, endpoints = known
        rows = await self.main.all("routes", *mine)
        numbers = [int(row["id"]) for row in rows]
        more = await self.main.of("additional_route_endpoints", "route_id", numbers)
        ids: dict[int, str] = {}
        for row in rows:
            order = await self._order(memory, "routes", row, "route")
            own = [one for one in more if one["route_id"] == row["id"]]
            found = route_of(row, own, server, domains, endpoints, order)
            route = await self._noun(memory, found, order)
            if route is not None:
                ids[int(row["id"])] = route.id
        return ids

    async def _domains(
        self,
        rows: Sequence[Row],
        organization: Organization,
        server: Server | None,
        memory: Memory,
        routed: frozenset[int],
    ) -> dict[int, str]:
        """Their names, by Postal's number."""
        named = organization.permalink if server is None else server.full_name
        owner = Owner(organization.id, server, named)
        names: dict[int, str] = {}
        for row in rows:
            key = rsa_key(text(row, "dkim_private_key"))
            found = domain_of(row, owner, key, self.names, routed=int(row["id"]) in routed)
            is_new = found[0] is not None and memory.of("domains", found[0].row) is None
            domain: Domain | None = await self._noun(memory, found)
            if domain is None:
                continue
            names[int(row["id"])] = domain.name
            if is_new and not self.bring.dry_run:
                await self._checked(domain, moment(row, "dns_checked_at"))
        return names

    async def _checked(self, domain: Domain, at: int | None) -> None:
        """Have it checked every hour, as Postal did since its first check."""
        if at is None:
            return
        state = replace(DomainState.of(domain), checked_at=at, hour_began_at=at)
        repository = self.bring.program[Repository]
        places = [DOMAIN_STATES.place(state)]
        if not await repository.get_many(DOMAIN_STATES, places):
            await repository.add(DOMAIN_STATES, state)

    async def _rules(
        self,
        kind: str,
        owner: int,
        organization: Organization,
        server: Server | None,
        memory: Memory,
    ) -> None:
        if not self.pools.names:
            return
        theirs = organization.id, None if server is None else server.id
        where = "owner_type = %s AND owner_id = %s"
        for row in await self.main.all("ip_pool_rules", where, (kind, owner)):
            order = await self._order(memory, "ip_pool_rules", row, "pool rule")
            await self._noun(memory, rule_of(row, theirs, self.pools.names, order), order)

    async def _order(self, memory: Memory, table: str, row: Row, kind: str) -> int:
        """The number that it has here, or a new one."""
        known = memory.of(table, uuid_of(row, table))
        if known is not None:
            return known.number
        return await self._next(kind, row)

    async def _next(self, kind: str, row: Row) -> int:
        """A new number; in a dry run one that nobody has."""
        if self.bring.dry_run:
            return NOBODYS + (number(row, "id") or 0)
        return await self.bring.program[Repository].next_number(kind)

    async def _noun(self, memory: Memory, found: Found, number_here: int = 0) -> Any | None:
        brought = await self.bring.noun(memory, found, number_here)
        self.named.add(brought)
        return brought

    async def _is_purged(self, name: str) -> bool:
        found = await self.bring.program[Repository].get_many(REMOVALS, [place_of(name)])
        return bool(found)

    async def _memory(self, group: str) -> Memory:
        repository = self.bring.program[Repository]
        return await Memory(repository, group, dry_run=self.bring.dry_run).read()


def _owner(row: Row) -> tuple[str, int]:
    """Whose a domain is; that of an older Postal names its server alone."""
    kind = text(row, "owner_type")
    return (
        (kind, number(row, "owner_id") or 0) if kind else ("Server", number(row, "server_id") or 0)
    )
