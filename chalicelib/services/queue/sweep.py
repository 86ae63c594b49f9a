"""The sweeper: wake what is due, and end holds that nobody looked at.

For a waiting message it queues the wake-up first and lets the record wait no longer second (crash rule 6): a
crash in between gives a second wake-up, which fails its claim. A pool whose queue is away keeps nobody else's mail
waiting: mail of a pool that is no longer deployed is looked at again after a quarter of an hour. It never sends mail.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from chalicelib.domain import lifecycle
from chalicelib.domain.errors import PoolMissing, TemporaryFailure
from chalicelib.domain.model import Delivery, DeliveryJob, MessageRecord, State, Status
from chalicelib.ports.clock import Clock
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.numbers import Numbers
from chalicelib.ports.queue import WorkQueue

LOG = logging.getLogger("posthorn.sweep")

PAGE = 100
POOL_MISSING_SECONDS = 900
MOST_PAGES = 50
HOLD_EXPIRED = "The hold on this message has been removed without action."


@dataclass(frozen=True, slots=True)
class Swept:
    """What one sweep did."""

    woken: int
    expired: int


class Sweep:
    """The sweep use case."""

    def __init__(
        self, clock: Clock, messages: MessageStore, queue: WorkQueue, numbers: Numbers
    ) -> None:
        self._clock = clock
        self._messages = messages
        self._queue = queue
        self._numbers = numbers

    async def run(self) -> Swept:
        """Work through everything that is due now, at most MOST_PAGES pages of PAGE records. TemporaryFailure, when all
        else is done, if a queue was away; its records stay due."""
        woken = expired = 0
        away: TemporaryFailure | None = None
        for _ in range(MOST_PAGES):
            records = await self._messages.due(int(self._clock.now()), PAGE)
            waiting = [record for record in records if record.state is not State.HELD]
            moved = ended = 0
            for pool, ours in _by_pool(waiting).items():
                try:
                    moved += await self._wake(pool, ours)
                except TemporaryFailure as failure:
                    away = failure
            woken += moved
            for record in records:
                if record.state is State.HELD:
                    ended += await self._expire(record)
            expired += ended
            if len(records) < PAGE or moved + ended == 0:
                break
        LOG.info("sweep", extra={"fields": {"woken": woken, "expired": expired}})
        if away is not None:
            raise away
        return Swept(woken, expired)

    async def _wake(self, pool: str, records: Sequence[MessageRecord]) -> int:
        jobs = [
            DeliveryJob(record.message, record.attempt)
            for record in records
            if record.state is State.WAITING
        ]
        try:
            await self._queue.wake(pool, jobs)
        except PoolMissing:
            return await self._put_off(records)
        return sum([await self._messages.clear_due(record) for record in records])

    async def _put_off(self, records: Sequence[MessageRecord]) -> int:
        """Make room for others: what is due is read in the order of time."""
        later = int(self._clock.now()) + POOL_MISSING_SECONDS
        return sum(
            [
                await self._messages.replace(record, replace(record, wake_at=later))
                for record in records
            ]
        )

    async def _expire(self, record: MessageRecord) -> int:
        number = (await self._numbers.take(record.message.server_id, "delivery", 1))[0]
        now = self._clock.now()
        delivery = Delivery(number, Status.HOLD_CANCELLED, HOLD_EXPIRED, now)
        return await self._messages.replace(record, lifecycle.done(record, delivery))


def _by_pool(records: Iterable[MessageRecord]) -> dict[str, list[MessageRecord]]:
    found: dict[str, list[MessageRecord]] = {}
    for record in records:
        found.setdefault(record.message.origin.pool, []).append(record)
    return found
