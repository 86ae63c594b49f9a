"""A work queue in the process with the habits of a real one: delays, visibility, duplicates, no order.

There is a queue for the default pool; `deploy` makes others, as a deployment does.
`receive` and `delete` are for whoever plays the event source (runner, benchmark, tests). `duplicate` is the share of
sends that arrive twice and `reorder` shuffles what a receive returns; both are off unless set.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.config import Settings
from chalicelib.domain.errors import PoolMissing, TemporaryFailure
from chalicelib.domain.model import DeliveryJob
from chalicelib.ports.clock import Clock
from chalicelib.ports.queue import WorkQueue
from chalicelib.ports.rand import Rand

LONGEST_WAIT = 900
DEFAULT_POOL = "default"
NOT_QUEUED = "Mail of this server cannot be queued at the moment, try again later"


@dataclass(frozen=True, slots=True)
class HandedOut:
    """A job as handed out: the receipt for `extend_visibility` and `delete`, and how often it was received."""

    receipt: str
    job: DeliveryJob
    receive_count: int


@dataclass(slots=True)
class _Entry:
    job: DeliveryJob
    visible_at: float
    receipt: str = ""
    receive_count: int = 0


class MemoryWorkQueue(WorkQueue):
    """The `WorkQueue` port in memory."""

    longest_wait = LONGEST_WAIT

    def __init__(self, settings: Settings, clock: Clock, rand: Rand) -> None:
        self.duplicate = 0.0
        self.reorder = False
        self.sent = 0
        self._clock = clock
        self._rand = rand
        self._visibility = settings.visibility_seconds
        self._number = 0
        self._ready: dict[str, list[tuple[float, int]]] = {DEFAULT_POOL: []}
        self._entries: dict[int, _Entry] = {}

    def deploy(self, *pools: str) -> None:
        """Make the queues of these pools."""
        for pool in pools:
            self._ready.setdefault(pool, [])

    async def wake(self, queue: str, jobs: Sequence[DeliveryJob], at: float = 0) -> None:
        """Queue jobs, hidden until `at`; PoolMissing when the pool has no queue."""
        if jobs and queue not in self._ready:
            raise PoolMissing(NOT_QUEUED, pool=queue)
        now = self._clock.now()
        visible_at = min(max(now, at), now + LONGEST_WAIT)
        for job in jobs:
            self._add(queue, job, visible_at)
            if self.duplicate and self._rand.uniform() < self.duplicate:
                self._add(queue, job, visible_at)
        self.sent += len(jobs)

    async def extend_visibility(self, queue: str, receipt: str, seconds: int) -> None:
        """Keep a received job hidden from now; TemporaryFailure for a receipt that is no longer good."""
        number = self._number_of(receipt)
        if number is None:
            raise TemporaryFailure("The wake-up is no longer held by this receipt")
        entry = self._entries[number]
        entry.visible_at = self._clock.now() + seconds
        heapq.heappush(self._ready[queue], (entry.visible_at, number))

    async def pools(self) -> tuple[str, ...]:
        """The pools that have a queue, by name."""
        return tuple(sorted(self._ready))

    async def receive(self, pool: str, limit: int = 10) -> list[HandedOut]:
        """Up to `limit` visible wake-ups, hidden for the visibility time from now."""
        now = self._clock.now()
        heap = self._ready[pool]
        taken: list[int] = []
        while heap and heap[0][0] <= now and len(taken) < limit:
            visible_at, number = heapq.heappop(heap)
            entry = self._entries.get(number)
            if entry is not None and entry.visible_at == visible_at and number not in taken:
                taken.append(number)
        if self.reorder:
            taken.sort(key=lambda _: self._rand.uniform())
        return [self._hand_out(pool, number, now + self._visibility) for number in taken]

    async def delete(self, pool: str, receipt: str) -> None:
        """Take a received wake-up out of its queue; unknown receipts are ignored."""
        number = self._number_of(receipt)
        if number is not None:
            del self._entries[number]

    def depth(self, pool: str) -> int:
        """How many wake-ups a pool's queue holds, visible or not."""
        return len({number for _, number in self._ready.get(pool, []) if number in self._entries})

    def next_visible_at(self, pool: str) -> float | None:
        """When the next wake-up of a pool can be received (epoch seconds); None when it has none."""
        times = [
            when
            for when, number in self._ready.get(pool, [])
            if number in self._entries and self._entries[number].visible_at == when
        ]
        return min(times, default=None)

    def _add(self, pool: str, job: DeliveryJob, visible_at: float) -> None:
        self._number += 1
        self._entries[self._number] = _Entry(job, visible_at)
        heapq.heappush(self._ready[pool], (visible_at, self._number))

    def _hand_out(self, pool: str, number: int, visible_at: float) -> HandedOut:
        entry = self._entries[number]
        entry.visible_at = visible_at
        entry.receive_count += 1
        entry.receipt = f"{number}:{entry.receive_count}"
        heapq.heappush(self._ready[pool], (visible_at, number))
        return HandedOut(entry.receipt, entry.job, entry.receive_count)

    def _number_of(self, receipt: str) -> int | None:
        number = int(receipt.partition(":")[0])
        entry = self._entries.get(number)
        return number if entry is not None and entry.receipt == receipt else None
