"""How the end of an attempt gets into the store, and the wake-up that follows it.

The record is written under the condition that lease and attempt are still ours (crash rule 5); the next wake-up is
queued after it. An outcome that the store does not take in time travels in a wake-up and is written from there (crash
rule 7). Nothing here decides what the outcome is.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from typing import TypeVar

from chalicelib.config import Settings
from chalicelib.domain import lifecycle
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.model import DeliveryJob, Message, MessageRecord, PendingOutcome, State
from chalicelib.ports.clock import Clock
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.queue import WorkQueue

LOG = logging.getLogger("posthorn.attempt")

OUTCOME_DELAY = 30
T = TypeVar("T")


class StoreOutcome:
    """Writes outcomes and queues what follows from them."""

    def __init__(
        self, settings: Settings, clock: Clock, messages: MessageStore, queue: WorkQueue
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._messages = messages
        self._queue = queue

    async def store(
        self, job: DeliveryJob, before: MessageRecord, after: MessageRecord, until: float
    ) -> None:
        """Store how the attempt ended and see to the next wake-up.

        Rule 7: the write is tried for two minutes, or until `until` of the monotonic clock, because giving it up means
        sending again. Then the outcome is put into the queue, which is another service than the store.
        """
        after = lifecycle.left_to_sweeper(after, self._queue.longest_wait)
        give_up = min(self._clock.monotonic() + self._settings.settle_seconds, until)
        wait = 0.25
        while True:
            try:
                moved = await self._messages.replace(before, after)
            except TemporaryFailure:
                if self._clock.monotonic() + wait > give_up:
                    LOG.error("outcome queued", extra={"fields": log_fields(after.message)})
                    return await self._put_into_queue(job, before, after)
            else:
                return await self._follow(after, moved)
            await self._clock.sleep(wait)
            wait = min(wait * 2, 10.0)

    async def store_queued(self, job: DeliveryJob, outcome: PendingOutcome) -> bool:
        """Write an outcome that came through the queue, unless the message has moved on since; False when its wake-up
        must come back."""
        try:
            message = job.message
            record = await self._messages.get(message.server_id, message.id, message.scope)
            if record.attempt == job.attempt and record.lease_owner == outcome.owner:
                after = lifecycle.ended(record, outcome)
                if await self._messages.replace(record, after):
                    await self.wake_again(after)
        except TemporaryFailure as away:
            LOG.warning("outcome left: %s", away.public, extra={"fields": log_fields(job.message)})
            return False
        return True

    async def wake_again(self, record: MessageRecord) -> None:
        """Queue the wake-up of a short wait; longer ones are the sweeper's."""
        if record.state is not State.WAITING or record.by_sweeper:
            return
        job = DeliveryJob(record.message, record.attempt)
        await self._queue.wake(record.message.origin.pool, [job], record.wake_at)

    async def _follow(self, after: MessageRecord, moved: bool) -> None:
        if moved:
            await self.wake_again(after)
        else:
            LOG.warning("lease lost", extra={"fields": log_fields(after.message)})

    async def _put_into_queue(
        self, job: DeliveryJob, before: MessageRecord, after: MessageRecord
    ) -> None:
        outcome = lifecycle.pending_outcome(before, after)
        queued = DeliveryJob(job.message, before.attempt, job.manual, outcome)
        at = self._clock.now() + OUTCOME_DELAY
        await self._queue.wake(job.message.origin.pool, [queued], at)


async def best_effort(effect: Awaitable[T]) -> T | None:
    """An effect beside the outcome: its failure is logged, because the outcome must be stored whatever happens."""
    try:
        return await effect
    except TemporaryFailure as away:
        LOG.warning("effect left out: %s", away.public)
        return None


def log_fields(message: Message) -> dict[str, str | int]:
    """What a log line may say about a message: no addresses, no content."""
    return {"server_id": message.server_id, "message_id": message.id}
