"""Old entries of the audit log, removed from the oldest on: each chain keeps its newest, however old they are.

The chains of organizations that were deleted stay, and are trimmed like the others. They are found by their numbers,
which rise from one on: behind MOST_WITHOUT of them without a chain there are none.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from chalicelib.domain.durations import DAY
from chalicelib.domain.numbering import OrganizationId
from chalicelib.domain.tenancy.audit import (
    AUDIT_ENTRIES,
    CHAIN_HEADS,
    LEAST_KEPT,
    AuditEntry,
    ChainHead,
    entry_place,
    of_chain,
)
from chalicelib.domain.tenancy.change import Change, Verb
from chalicelib.domain.tenancy.entity import Place
from chalicelib.domain.tenancy.organizations import ORGANIZATIONS
from chalicelib.domain.tenancy.owners import ALL_ORGANIZATIONS
from chalicelib.domain.tenancy.told_fields import time_text
from chalicelib.ports.acting import acting
from chalicelib.ports.clock import Clock
from chalicelib.ports.repository import Repository

KEPT_DAYS = 400
AT_ONCE = 25
MOST_IN_A_RUN = 5_000
MOST_WITHOUT = 100


class TrimAudit:
    """The hourly step."""

    def __init__(self, repository: Repository, clock: Clock) -> None:
        self._repository = repository
        self._clock = clock

    async def run(self) -> int:
        """Remove some of what is over; how many entries went."""
        gone = 0
        with acting(None):
            async for head in self._heads():
                if gone < MOST_IN_A_RUN:
                    gone += await self._trim(head, MOST_IN_A_RUN - gone)
        return gone

    async def _heads(self) -> AsyncIterator[ChainHead]:
        """Those of all chains: of the installation, of the organizations that there are, and of others by number."""
        owners = await self._repository.all(ORGANIZATIONS, ALL_ORGANIZATIONS)
        known: list[OrganizationId | None] = [None, *(one.id for one in owners)]
        first, others = 1, frozenset(known)
        for start in range(0, len(known), MOST_WITHOUT):
            for head in await self._heads_of(known[start : start + MOST_WITHOUT]):
                yield head
        while True:
            some = [OrganizationId(one) for one in range(first, first + MOST_WITHOUT)]
            found = await self._heads_of(some)
            for head in found:
                if head.organization_id not in others:
                    yield head
            if not found:
                return
            first += MOST_WITHOUT

    async def _heads_of(self, chains: Sequence[OrganizationId | None]) -> list[ChainHead]:
        places = [Place(of_chain(one)) for one in chains]
        found = await self._repository.get_many(CHAIN_HEADS, places)
        return [found[place] for place in places if place in found]

    async def _trim(self, head: ChainHead, most: int) -> int:
        chain, last = head.organization_id, head.number - LEAST_KEPT
        if last < 1:
            return 0
        number, gone = await self._oldest(chain, last), 0
        before = time_text(int(self._clock.now()) - KEPT_DAYS * DAY)
        while number <= last and gone < most:
            numbers = range(number, min(number + AT_ONCE, last + 1))
            found = await self._entries(chain, numbers)
            over = [one for one in found if one.at < before]
            if over:
                changes = (Change(Verb.REMOVE, AUDIT_ENTRIES, one) for one in over)
                await self._repository.change(*changes)
            gone += len(over)
            if not over or len(over) < len(found):
                break
            number = numbers.stop
        return gone

    async def _oldest(self, chain: OrganizationId | None, last: int) -> int:
        """The number of the oldest entry, found by halving; behind `last` when all up to that are gone."""
        low, high = 0, last + 1
        while high - low > 1:
            middle = (low + high) // 2
            if await self._entries(chain, range(middle, middle + 1)):
                high = middle
            else:
                low = middle
        return high

    async def _entries(self, chain: OrganizationId | None, numbers: range) -> list[AuditEntry]:
        places = [entry_place(chain, number) for number in numbers]
        found = await self._repository.get_many(AUDIT_ENTRIES, places)
        return [found[place] for place in places if place in found]
