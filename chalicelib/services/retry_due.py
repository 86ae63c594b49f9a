"""The sweeper: wake what is due in the index, and end holds that nobody looked at.

For a waiting message it queues the wake-up first and takes the record out of the index second (crash rule 6): a
crash in between gives a second wake-up, which fails its claim. It never sends mail.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from chalicelib.domain import settle
from chalicelib.domain.model import Delivery, MessageRecord, State, Status, WorkItem
from chalicelib.ports import Clock, MessageStore, Numbers, WorkQueue

LOG = logging.getLogger("posthorn.sweep")

PAGE = 100
MOST_PAGES = 50
HOLD_EXPIRED = "The hold on this message has been removed without action."


@dataclass(frozen=True, slots=True)
class Swept:
    """What one sweep did."""

    woken: int
    expired: int


class RetryDue:
    """The sweep use case."""

    def __init__(
        self, clock: Clock, messages: MessageStore, queue: WorkQueue, numbers: Numbers
    ) -> None:
        self._clock = clock
        self._messages = messages
        self._queue = queue
        self._numbers = numbers

    async def run(self) -> Swept:
        """Work through everything that is due now, at most MOST_PAGES pages of PAGE records."""
        woken = expired = 0
        for _ in range(MOST_PAGES):
            records = await self._messages.due(int(self._clock.now()), PAGE)
            waiting = [record for record in records if record.state is not State.HELD]
            moved = await self._wake(waiting)
            woken += moved
            ended = 0
            for record in records:
                if record.state is State.HELD:
                    ended += await self._expire(record)
            expired += ended
            if len(records) < PAGE or moved + ended == 0:
                break
        LOG.info("sweep", extra={"fields": {"woken": woken, "expired": expired}})
        return Swept(woken, expired)

    async def _wake(self, records: list[MessageRecord]) -> int:
        by_pool: dict[str, list[WorkItem]] = {}
        for record in records:
            if record.state is State.WAITING:
                item = WorkItem(record.message, record.attempt)
                by_pool.setdefault(record.message.pool, []).append(item)
        for pool, items in by_pool.items():
            await self._queue.send(pool, items)
        cleared = [await self._messages.clear_due(record) for record in records]
        return sum(cleared)

    async def _expire(self, record: MessageRecord) -> int:
        number = (await self._numbers.take(record.message.server_id, "delivery", 1))[0]
        now = self._clock.now()
        delivery = Delivery(number, Status.HOLD_CANCELLED, HOLD_EXPIRED, now)
        return await self._messages.replace(record, settle.hold_cancelled(record, delivery))
