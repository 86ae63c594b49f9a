"""Removing organizations and servers: gone for all at once, while their data goes later (`purge`).

A server is gone when it is not found any more: its keys open nothing, its mail is not taken, waiting mail is not sent,
and links that it tracked lead nowhere. Of an organization the keys and servers go first, so that a removal that was cut
short is repeated; what somebody adds meanwhile is left to the purge.
"""

from __future__ import annotations

from chalicelib.domain.tenancy.change import Change, Verb
from chalicelib.domain.tenancy.management_keys import MANAGEMENT_KEYS
from chalicelib.domain.tenancy.organizations import ORGANIZATIONS, Organization
from chalicelib.domain.tenancy.owners import of_organization
from chalicelib.domain.tenancy.removals import REMOVALS, Removal
from chalicelib.domain.tenancy.servers import SERVERS, Server
from chalicelib.ports.acting import acting
from chalicelib.ports.clock import Clock
from chalicelib.ports.repository import Repository

# A transaction of DynamoDB takes 100 items: three a server, an entry of the audit log, and the head of its chain.
SERVERS_AT_ONCE = 20
KEYS_AT_ONCE = 40


class RemoveTenants:
    """Removes organizations and servers (api.md 2.1 and 2.5)."""

    def __init__(self, repository: Repository, clock: Clock) -> None:
        self._repository = repository
        self._clock = clock

    async def remove_server(self, server: Server) -> None:
        """Remove a server; NotFound when it is gone."""
        await self._repository.change(*self._without(server))

    async def remove_organization(self, organization: Organization) -> None:
        """Remove an organization with all its servers and keys; NotFound when it is gone."""
        await self.remove_what_it_has(organization.id)
        removal = Removal(organization.permalink, organization.id, int(self._clock.now()))
        await self._repository.change(
            Change(Verb.REMOVE, ORGANIZATIONS, organization), Change(Verb.ADD, REMOVALS, removal)
        )
        await self.remove_what_it_has(organization.id)

    async def remove_what_it_has(self, organization: int) -> int:
        """Remove the keys and servers of an organization; how many there were."""
        keys = await self._repository.all(MANAGEMENT_KEYS, of_organization(organization))
        for start in range(0, len(keys), KEYS_AT_ONCE):
            batch = keys[start : start + KEYS_AT_ONCE]
            with acting(None):  # that the organization was removed says it
                await self._repository.change(
                    *(Change(Verb.REMOVE, MANAGEMENT_KEYS, key) for key in batch)
                )
        servers = await self._repository.all(SERVERS, of_organization(organization))
        for start in range(0, len(servers), SERVERS_AT_ONCE):
            batch_of_servers = servers[start : start + SERVERS_AT_ONCE]
            await self._repository.change(
                *(change for server in batch_of_servers for change in self._without(server))
            )
        return len(keys) + len(servers)

    def _without(self, server: Server) -> tuple[Change[Server], Change[Removal]]:
        removal = Removal(
            server.full_name,
            server.organization_id,
            int(self._clock.now()),
            server.id,
            server.shards,
        )
        return Change(Verb.REMOVE, SERVERS, server), Change(Verb.ADD, REMOVALS, removal)
