"""Forgetting what was removed: all data of servers and organizations that are gone, but the audit log.

It works in small steps that may end anywhere, begins when nobody who knew the server can still be at work, and frees
the permalink at the end. What is removed is not written into the audit log again: the removal stands there.
"""

from __future__ import annotations

import logging

from chalicelib.domain.nouns import OF_TENANTS
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.tenancy.change import Change, Verb
from chalicelib.domain.tenancy.entity import Owner
from chalicelib.domain.tenancy.owners import of_organization, of_server
from chalicelib.domain.tenancy.removals import ALL_REMOVALS, REMOVALS, Removal
from chalicelib.ports.acting import acting
from chalicelib.ports.clock import Clock
from chalicelib.ports.mail_index import MailIndex
from chalicelib.ports.purge import ServerPurge
from chalicelib.ports.repository import Repository
from chalicelib.services.tenancy.removal import RemoveTenants

LOG = logging.getLogger("posthorn.purge")

# Longer than the longest lease, and than any process believes what it has read.
WAIT_SECONDS = 1_800
RUN_SECONDS = 240.0
NOUNS_AT_ONCE = 25


class Purge:
    """The hourly step."""

    def __init__(
        self,
        repository: Repository,
        data: ServerPurge,
        index: MailIndex,
        tenants: RemoveTenants,
        clock: Clock,
    ) -> None:
        self._repository = repository
        self._data = data
        self._index = index
        self._tenants = tenants
        self._clock = clock

    async def run(self, seconds: float = RUN_SECONDS) -> int:
        """Go on with every removal, servers first, for at most about so many seconds; how many are done with."""
        until, done = self._clock.monotonic() + seconds, 0
        removals = await self._repository.all(REMOVALS, ALL_REMOVALS)
        oldest = int(self._clock.now()) - WAIT_SECONDS
        with acting(None):
            for removal in sorted(removals, key=lambda one: one.server_id is None):
                if removal.removed_at <= oldest and await self._forget(removal, until):
                    await self._repository.remove(REMOVALS, removal)
                    LOG.info("purged", extra={"fields": _fields(removal)})
                    done += 1
        return done

    async def _forget(self, removal: Removal, until: float) -> bool:
        """Whether there is nothing left of what was removed."""
        if removal.server_id is None:
            return await self._forget_organization(removal, until)
        number, owner = removal.server_id, of_server(removal.server_id)
        return (
            await self._forget_data(number, removal.shards, until)
            and await self._forget_searches(number, until)
            and await self._forget_nouns(owner, until)
        )

    async def _forget_organization(self, removal: Removal, until: float) -> bool:
        number = removal.organization_id
        if await self._tenants.remove_what_it_has(number):  # added while it was removed
            return False
        left = await self._repository.all(REMOVALS, ALL_REMOVALS)
        if any(one.organization_id == number and one.server_id is not None for one in left):
            return False
        return await self._forget_data(ServerId(-number), 1, until) and await self._forget_nouns(
            of_organization(number), until
        )

    async def _forget_data(self, number: ServerId, shards: int, until: float) -> bool:
        while self._clock.monotonic() < until:
            if not await self._data.step(number, shards):
                return True
        return False

    async def _forget_searches(self, number: ServerId, until: float) -> bool:
        while self._clock.monotonic() < until:
            if not await self._index.forget_server(number):
                return True
        return False

    async def _forget_nouns(self, owner: Owner, until: float) -> bool:
        for entity in OF_TENANTS:
            values = await self._repository.all(entity, owner)
            for start in range(0, len(values), NOUNS_AT_ONCE):
                if self._clock.monotonic() >= until:
                    return False
                batch = values[start : start + NOUNS_AT_ONCE]
                await self._repository.change(*(Change(Verb.REMOVE, entity, one) for one in batch))
        return True


def _fields(removal: Removal) -> dict[str, int]:
    found = {"organization_id": int(removal.organization_id)}
    return found if removal.server_id is None else {**found, "server_id": int(removal.server_id)}
