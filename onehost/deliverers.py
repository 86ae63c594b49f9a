"""Hands queued jobs to the handlers of outgoing and incoming mail, as Lambda's event sources do: in batches, many at a
time.

A job that its handler is done with is deleted; one that it leaves comes back by itself. Each queue may have so many
jobs in hand, so that one whose receivers are slow keeps nobody else waiting. Those of a batch that takes long stand
beside them, and how many of them a server or endpoint may have is bounded (`chalicelib.services.queue.turns`). Mail
that this process accepts comes without a look into the queue, while nothing waits there.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, defaultdict
from collections.abc import Sequence

from chalicelib.adapters.sqlite.bell import Bell
from chalicelib.adapters.sqlite.in_hand import InHand
from chalicelib.adapters.sqlite.queue import HandedOut, SqliteWorkQueue
from chalicelib.bootstrap import Posthorn
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.model import INCOMING_QUEUE
from chalicelib.ports.clock import Clock
from functions.deliver import attempt
from functions.incoming import carry
from functions.queue_batch import Invocation, QueueRecord
from functions.runtime import UnitOfWork

LOG = logging.getLogger("posthorn.deliverers")
LARGEST_BATCH = 50
LOOK_AGAIN_SECONDS = 1.0
# A clock that the local stack moved must not make anybody spin.
SHORTEST_WAIT = 0.005
STORING_SECONDS = 0.01
LONG_SECONDS = 2.0
MOST_BESIDE = 300


class Deliverers:
    """The delivering half of a process; `name` is the process's, `most` how many jobs of a pool it has in hand."""

    def __init__(self, posthorn: Posthorn, name: str, most: int) -> None:
        self._posthorn = posthorn
        self._queue = posthorn[SqliteWorkQueue]
        self._bell = posthorn[Bell]
        self._clock = posthorn[Clock]
        self._name = name
        self._in_hand = posthorn[InHand]
        self._in_hand.open(name, most, self._hand)
        self._beside: Counter[str] = Counter()
        self._handed: defaultdict[str, list[HandedOut]] = defaultdict(list)
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
        self._in_hand.close()
        while self._in_hand.total:
            await asyncio.sleep(STORING_SECONDS)
        while self._working:
            await asyncio.wait(self._working)

    @property
    def in_hand(self) -> int:
        """How many jobs are being worked at."""
        return self._in_hand.total + self._beside.total()

    async def _take(self) -> float:
        """Start a batch of each pool that has jobs; for how many seconds there is nothing more to take."""
        wait = LOOK_AGAIN_SECONDS
        for pool in await self._queue.queues():
            room = min(LARGEST_BATCH, self._in_hand.room(pool))
            if room <= 0:
                continue
            left = self._in_hand.left(pool)
            jobs = await self._queue.receive(pool, room, self._name)
            if jobs:
                self._in_hand.add(pool, len(jobs))
                self._begin(pool, jobs)
            full = len(jobs) == room
            self._in_hand.looked(pool, left, more_wait=full)
            wait = min(wait, self._pause(pool, full=full))
        return wait

    def _hand(self, pool: str, jobs: Sequence[HandedOut]) -> None:
        """Take what was stored, together with what others stored in the same transaction."""
        if not self._handed:
            asyncio.get_running_loop().call_soon(self._begin_handed)
        self._handed[pool] += jobs

    def _begin_handed(self) -> None:
        handed = dict(self._handed)
        self._handed.clear()
        for pool, jobs in handed.items():
            for first in range(0, len(jobs), LARGEST_BATCH):
                self._begin(pool, jobs[first : first + LARGEST_BATCH])

    def _begin(self, pool: str, jobs: Sequence[HandedOut]) -> None:
        task = asyncio.create_task(self._work(pool, jobs))
        self._working.add(task)
        task.add_done_callback(self._working.discard)

    def _pause(self, pool: str, *, full: bool) -> float:
        if full:
            return 0 if self._in_hand.room(pool) > 0 else LOOK_AGAIN_SECONDS
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
        places = _Places(self._in_hand, self._beside, pool, len(jobs))
        batch = Invocation(
            records, lambda: ends - self._clock.monotonic(), {"pool": pool}, places.ended
        )
        again = {one.receipt for one in jobs}
        is_incoming = pool == INCOMING_QUEUE
        unit, handler = ("incoming", carry) if is_incoming else ("deliver", attempt)
        try:
            with UnitOfWork(unit, jobs[0].receipt, batch.notes, swallow=True):
                again = set(await handler(self._posthorn, batch))
                await self._queue.delete([one.receipt for one in jobs if one.receipt not in again])
        finally:
            places.close()
            self._bell.stir()


class _Places:
    """What the jobs of a batch take of their pool's room: given back at once at its end, and once the batch takes
    longer than LONG_SECONDS. From then on its jobs stand beside the room, up to MOST_BESIDE of a pool; the places of
    those for which there is none are given back as jobs are done with."""

    def __init__(self, in_hand: InHand, beside: Counter[str], pool: str, count: int) -> None:
        self._in_hand = in_hand
        self._all_beside = beside
        self._pool = pool
        self._held = count
        self._ended = 0
        self._beside = 0
        self._takes_long = False
        self._timer = asyncio.get_running_loop().call_later(LONG_SECONDS, self._late)

    def ended(self, _receipt: str) -> None:
        """One job is done with."""
        self._ended += 1
        if not self._takes_long:
            return
        if self._held:
            self._give(1)
        elif self._beside:
            self._stand_beside(-1)

    def close(self) -> None:
        """All are."""
        self._timer.cancel()
        self._give(self._held)
        self._stand_beside(-self._beside)

    def _late(self) -> None:
        self._takes_long = True
        self._give(self._ended)
        count = max(0, min(self._held, MOST_BESIDE - self._all_beside[self._pool]))
        self._stand_beside(count)
        self._give(count)

    def _give(self, count: int) -> None:
        count = min(count, self._held)
        self._held -= count
        self._in_hand.add(self._pool, -count)

    def _stand_beside(self, count: int) -> None:
        self._beside += count
        self._all_beside[self._pool] += count
