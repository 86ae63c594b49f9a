"""Rising integers leased in blocks from a counter, for every family.

A block serves this process for ten seconds and the rest of it is then dropped, so that numbers stay in order of time to
within seconds among processes. A block that was used up in time is followed by one of twice its size, so that a busy
process asks seldom; after one that was dropped comes one of what was used of it, so that an idle process wastes little.
Two instances never give the same number; gaps are normal, but not between the numbers of one call.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections import defaultdict
from dataclasses import dataclass

from chalicelib.domain.errors import PermanentFailure
from chalicelib.domain.numbering import ServerId
from chalicelib.ports.clock import Clock
from chalicelib.ports.numbers import Numbers

HIGHEST_NUMBER = 2**31 - 1
BLOCK_SECONDS = 10
SMALLEST_BLOCK = 5
LARGEST_BLOCK = 1_000


@dataclass(slots=True)
class _Block:
    """Numbers from `next` to before `end` are left of one that began at `start`; the next one shall have `size`."""

    size: int
    start: int = 1
    next: int = 1
    end: int = 1
    leased_at: float = 0.0


@dataclass(frozen=True, slots=True)
class NumberBlock:
    """How many numbers the first call for a server leases: 100 for a gateway. With 1 none is leased that is not asked
    for, so that there are no gaps."""

    size: int = 20


class LeasedNumbers(Numbers):
    """The `Numbers` port over a counter that a family leases from."""

    def __init__(self, clock: Clock, block: NumberBlock) -> None:
        self._clock = clock
        self._one_by_one = block.size == 1
        self._blocks: defaultdict[tuple[ServerId, str], _Block] = defaultdict(
            lambda: _Block(block.size)
        )
        self._locks: defaultdict[tuple[ServerId, str], asyncio.Lock] = defaultdict(asyncio.Lock)

    async def take(self, server: ServerId, kind: str, count: int) -> list[int]:
        """`count` fresh numbers, each following the other; PermanentFailure when the server has used all 2**31 - 1."""
        block = self._blocks[server, kind]
        async with self._locks[server, kind]:
            if block.next < block.end and self._is_over(block):
                block.size = max(SMALLEST_BLOCK, block.next - block.start)
                block.next = block.end
            if block.end - block.next < count:
                block.next = block.end  # numbers of one call follow each other
            taken = self._from(block, count)
            if len(taken) < count:
                await self._renew(block, server, kind, count)
                taken = self._from(block, count)
            return taken

    def _is_over(self, block: _Block) -> bool:
        return block.leased_at + BLOCK_SECONDS <= self._clock.monotonic()

    def _from(self, block: _Block, count: int) -> list[int]:
        first = block.next
        block.next = min(block.end, first + count)
        return list(range(first, block.next))

    async def _renew(self, block: _Block, server: ServerId, kind: str, missing: int) -> None:
        if block.start < block.end and not self._is_over(block):
            block.size = min(2 * block.size, LARGEST_BLOCK)
        size = missing if self._one_by_one else max(block.size, missing)
        last = await self._lease(server, kind, size)
        if last > HIGHEST_NUMBER:
            raise PermanentFailure("This server has used all its numbers")
        block.start = block.next = last - size + 1
        block.end = last + 1
        block.leased_at = self._clock.monotonic()

    @abstractmethod
    async def _lease(self, server: ServerId, kind: str, size: int) -> int:
        """Move the counter on by `size`; where it stands then."""
