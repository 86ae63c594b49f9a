"""Hands queued jobs to the delivering handler, as Lambda's event source does: in batches, many at a time.

A job that the handler is done with is deleted; one that it leaves comes back by itself. Each pool may have so many
jobs in hand, so that one whose receivers are slow keeps nobody else waiting.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Sequence

from chalicelib.adapters.sqlite.bell import Bell
from chalicelib.adapters.sqlite.queue import HandedOut, SqliteWorkQueue
from chalicelib.bootstrap import Posthorn
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.ports.clock import Clock
from functions.deliver import attempt
from functions.queue_batch import Invocation, QueueRecord
from functions.runtime import UnitOfWork

LOG = logging.getLogger("posthorn.deliverers")
LARGEST_BATCH = 50
LOOK_AGAIN_SECONDS = 1.0
# A clock that the local stack moved must not make anybody spin.
SHORTEST_WAIT = 0.005


class Deliverers:
    """The delivering half of a process; `name` is the process's, `most` how many jobs of a pool it has in hand."""

    def __init__(self, posthorn: Posthorn, name: str, most: int) -> None:
        self._posthorn = posthorn
        self._queue = posthorn[SqliteWorkQueue]
        self._bell = posthorn[Bell]
        self._clock = posthorn[Clock]
        self._name = name
        self._most = most
        self._in_hand: defaultdict[str, int] = defaultdict(int)
        self._working: set[asyncio.Task[None]] = set()

    async def run(self, stop: asyncio.Event) -> None:
        """Take jobs until told to stop, and end when those in hand are done with."""
        while not stop.is_set():
            try:
                wait = await self._take()
            except TemporaryFailure as away:
                LOG.warning("no jobs are taken: %s", away.public)
                wait = LOOK_AGAIN_SECONDS
            if wait:
                await self._bell.wait(wait)
        while self._working:
            await asyncio.wait(self._working)

    @property
    def in_hand(self) -> int:
        """How many jobs are being worked at."""
        return sum(self._in_hand.values())

    async def _take(self) -> float:
        """Start a batch of each pool that has jobs; for how many seconds there is nothing more to take."""
        wait = LOOK_AGAIN_SECONDS
        for pool in await self._queue.pools():
            room = min(LARGEST_BATCH, self._most - self._in_hand[pool])
            if room <= 0:
                continue
            jobs = await self._queue.receive(pool, room, self._name)
            if jobs:
                self._in_hand[pool] += len(jobs)
                task = asyncio.create_task(self._work(pool, jobs))
                self._working.add(task)
                task.add_done_callback(self._working.discard)
            wait = min(wait, self._pause(pool, full=len(jobs) == room))
        return wait

    def _pause(self, pool: str, *, full: bool) -> float:
        if full:
            return 0 if self._in_hand[pool] < self._most else LOOK_AGAIN_SECONDS
        soonest = self._queue.soonest(pool)
        if soonest is None:
            return LOOK_AGAIN_SECONDS
        return max(SHORTEST_WAIT, soonest - self._clock.now())

    async def _work(self, pool: str, jobs: Sequence[HandedOut]) -> None:
        """One invocation of the handler."""
        ends = self._clock.monotonic() + self._posthorn.settings.lease_seconds
        records = tuple(
            QueueRecord(one.receipt, one.receipt, one.job, one.receive_count) for one in jobs
        )
        batch = Invocation(records, lambda: ends - self._clock.monotonic(), {"pool": pool})
        again = {one.receipt for one in jobs}
        try:
            with UnitOfWork("deliver", jobs[0].receipt, batch.notes, swallow=True):
                again = set(await attempt(self._posthorn, batch))
                await self._queue.delete([one.receipt for one in jobs if one.receipt not in again])
        finally:
            self._in_hand[pool] -= len(jobs)
            self._bell.stir()
