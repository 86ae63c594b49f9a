"""Changes with their entries of the audit log: in one transaction, so that neither is stored without the other.

Two changes of one chain at the same time: one of them is tried again, behind the other's entry.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any

from chalicelib.domain.errors import Conflict, Contended, NotFound, Outdated
from chalicelib.domain.numbering import OrganizationId
from chalicelib.domain.tenancy.audit import (
    AUDIT_ENTRIES,
    CHAIN_HEADS,
    NO_HASH,
    Acting,
    ChainHead,
    entry_of,
    of_chain,
)
from chalicelib.domain.tenancy.change import Change, Verb
from chalicelib.domain.tenancy.entity import Place
from chalicelib.domain.tenancy.owners import of_server
from chalicelib.domain.tenancy.servers import SERVERS
from chalicelib.ports.clock import Clock
from chalicelib.ports.repository import Guard, Repository

MOST_TRIES = 24
LONGEST_PAUSE = 0.05
OVERTAKEN = AUDIT_ENTRIES.taken().public
Make = Callable[..., Awaitable[None]]


class Auditing:
    """Makes changes in a repository, whose `make` knows nothing of entries."""

    def __init__(self, repository: Repository, make: Make, clock: Clock) -> None:
        self._repository = repository
        self._make = make
        self._clock = clock

    async def change(
        self, who: Acting, changes: Sequence[Change[Any]], guard: Guard | None = None
    ) -> None:
        """All of the changes with an entry each of those that are audited, or none. The guard is asked when the end of
        the chain that the entries are to follow was read."""
        for number in range(MOST_TRIES):
            # Whoever came later lets those finish who came first.
            await asyncio.sleep(min(number * 0.005, LONGEST_PAUSE))
            earlier = [await self._before(one) for one in changes]
            entries = await self._entries(changes, earlier, who)
            if guard is not None:
                await guard()
            try:
                await self._make(*changes, *entries)
            except Outdated:
                raise
            except (Conflict, Contended) as error:
                if not (isinstance(error, Contended) or error.public == OVERTAKEN):
                    raise
            else:
                return
        raise Contended("Too many changes at a time; try again")

    async def _before(self, change: Change[Any]) -> Any:
        if change.verb is Verb.ADD or not change.entity.audited:
            return None
        if change.before is not None:
            return change.before
        return await self._repository.get(change.entity, change.entity.place(change.value))

    async def _entries(
        self, changes: Sequence[Change[Any]], earlier: Sequence[Any], who: Acting
    ) -> list[Change[Any]]:
        """What is stored beside the changes: their entries, and the new heads of the chains."""
        heads: dict[OrganizationId | None, ChainHead] = {}
        first: dict[OrganizationId | None, bool] = {}
        found: list[Change[Any]] = []
        now = self._clock.now()
        for change, before in zip(changes, earlier, strict=True):
            if not change.entity.audited:
                continue
            chain, server = await self._chain(change)
            if chain not in heads:
                heads[chain], first[chain] = await self._head(chain)
            entry = entry_of(change, before, who, now, heads[chain], server)
            if entry is not None:
                found.append(Change(Verb.ADD, AUDIT_ENTRIES, entry))
                heads[chain] = ChainHead(chain, entry.number, entry.hash)
        return [*found, *_heads(found, heads, first)]

    async def _head(self, chain: OrganizationId | None) -> tuple[ChainHead, bool]:
        try:
            return await self._repository.get(CHAIN_HEADS, Place(of_chain(chain))), False
        except NotFound:
            return ChainHead(chain, 0, NO_HASH), True

    async def _chain(self, change: Change[Any]) -> tuple[OrganizationId | None, str | None]:
        """The chain of an organization, or the installation's for what belongs to that, organizations made and removed
        among it; and the full name of the server that the value belongs to, if it does."""
        value = change.value
        if change.entity.audited == "organization":
            return (value.id if change.verb is Verb.REPLACE else None), None
        if getattr(value, "server_id", None) is not None:
            place = Place(of_server(value.server_id))
            owner = (await self._repository.get_many(SERVERS, [place])).get(place)
            if owner is not None:
                return owner.organization_id, owner.full_name
        organization: OrganizationId | None = getattr(value, "organization_id", None)
        return organization, None


def _heads(
    entries: Sequence[Change[Any]],
    heads: dict[OrganizationId | None, ChainHead],
    first: dict[OrganizationId | None, bool],
) -> Iterator[Change[Any]]:
    for chain in {one.value.organization_id for one in entries}:
        verb = Verb.ADD if first[chain] else Verb.REPLACE
        yield Change(verb, CHAIN_HEADS, heads[chain])
