"""One attempt for each wake-up: claim the message, hand it to a carrier, settle what the carrier says.

A carrier is a pipeline that messages of one kind go through; this module knows none. A wake-up that is not reported as
left over is done with; one that is left over comes back by itself. Nothing is lost whichever line this process dies at,
and a message is sent twice only if it dies, or loses the store, between the final dot and the settling write
(docs/architecture.md).
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from chalicelib.config import Settings
from chalicelib.domain.errors import MailError, TemporaryFailure
from chalicelib.domain.model import DeliveryJob, Message, MessageRecord, State, Status
from chalicelib.ports.clock import Clock
from chalicelib.ports.messages import ClaimFailure, ClaimRefused, MessageStore
from chalicelib.ports.queue import WorkQueue
from chalicelib.ports.rand import Rand
from chalicelib.services.queue.batch import LAST_SETTLE_SECONDS, BatchReader, DeliveryBatch
from chalicelib.services.queue.bodies import LARGEST_SPAN
from chalicelib.services.queue.store_outcome import StoreOutcome, log_fields
from chalicelib.services.queue.turns import LONG_SECONDS, NotYet, Share, Turn, Turns

LOG = logging.getLogger("posthorn.attempt")

MOST_LANES_A_SITE = 5


@dataclass(frozen=True, slots=True)
class ReceivedJob:
    """A received job and the receipt that hides or keeps it."""

    job: DeliveryJob
    receipt: str


Over = Callable[[ReceivedJob, bool], None]
"""Is told a job whose turn is over, and whether it is done with."""


class Carrier(Protocol):
    """The pipeline that claimed messages are handed to."""

    async def copies(self, message: Message, batch: DeliveryBatch) -> int:
        """How many copies of the message's body are in memory beside it during an attempt."""

    def lane(self, message: Message) -> str:
        """Messages of one lane follow each other."""

    def shares(self, message: Message) -> Sequence[Share]:
        """Whom attempts at the message might keep others waiting for."""

    async def run(
        self, record: MessageRecord, job: DeliveryJob, batch: DeliveryBatch
    ) -> MessageRecord:
        """Take a claimed message as far as it goes now; returns the record to store. Raises TemporaryFailure only
        when nothing was done: then the wake-up comes back."""


class AttemptDelivery:
    """The delivering use case."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        rand: Rand,
        messages: MessageStore,
        queue: WorkQueue,
        reader: BatchReader,
        outcome: StoreOutcome,
        turns: Turns,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._rand = rand
        self._messages = messages
        self._queue = queue
        self._reader = reader
        self._outcome = outcome
        self._turns = turns

    async def run(
        self,
        carrier: Carrier,
        jobs: Sequence[ReceivedJob],
        seconds_left: float | None = None,
        ended: Callable[[str], None] = lambda _: None,
    ) -> set[str]:
        """Work through a batch; returns the receipts that must come back. `ended` is told each as its turn is over.

        No attempt starts that could not end, by its deadline and with its outcome stored or queued, in `seconds_left`:
        those of the invocation, by default as many as a lease has (rule 8).
        """
        seconds = self._settings.lease_seconds if seconds_left is None else seconds_left
        self._say_if_too_short(seconds)
        try:
            batch = await self._reader.read([received.job for received in jobs], seconds)
        except TemporaryFailure as away:
            LOG.warning("batch left: %s", away.public)
            return {received.receipt for received in jobs}
        left: set[str] = set()

        def over(received: ReceivedJob, is_done: bool) -> None:
            if not is_done:
                left.add(received.receipt)
            batch.bodies.done(received.job.message.blob)
            ended(received.receipt)

        lanes = (deque(lane) for lane in _lanes(carrier, jobs))
        await asyncio.gather(*(self._work(carrier, lane, batch, over) for lane in lanes))
        return left

    async def _work(
        self, carrier: Carrier, lane: deque[ReceivedJob], batch: DeliveryBatch, over: Over
    ) -> None:
        """One after the other."""

        async def put_off() -> None:
            async for other, is_done in self._put_off_behind(carrier, lane):
                over(other, is_done)

        while lane:
            received = lane.popleft()
            turn = self._in_turn(carrier, received, batch)
            if lane and any(one.wary for one in carrier.shares(received.job.message)):
                turn = self._meanwhile(turn, put_off)
            over(received, await turn)

    def _say_if_too_short(self, seconds: float) -> None:
        """An invocation that cannot hold an attempt from its beginning delivers nothing, ever."""
        needed = self._settings.deadline_seconds + LAST_SETTLE_SECONDS
        if seconds < needed:
            LOG.error(
                "nothing is delivered: this function may run %d s, and an attempt takes up to %d s"
                " (POSTHORN_DEADLINE_SECONDS + %d); its time limit must be POSTHORN_LEASE_SECONDS",
                seconds,
                needed,
                LAST_SETTLE_SECONDS,
            )

    async def _in_turn(self, carrier: Carrier, received: ReceivedJob, batch: DeliveryBatch) -> bool:
        """One message, once there is room for it; False when its wake-up must come back. One of a server that is gone
        is dropped before anything of it could be stored again."""
        job = received.job
        if not batch.has_server_of(received.job.message):
            LOG.info("server gone", extra={"fields": _fields(received)})
            return True
        try:
            shares = carrier.shares(job.message) if job.outcome is None else ()
            turn = await self._turns.take(shares)
            with turn:
                async with self._room(carrier, job, batch), batch.gate:
                    return self._clock.monotonic() <= batch.last_start and await self._one(
                        carrier, received, batch, turn
                    )
        except NotYet as later:
            return await self._put_off(received, later.seconds)
        except TemporaryFailure as full:
            LOG.info("wake-up left: %s", full.public, extra={"fields": _fields(received)})
            return False

    @staticmethod
    async def _meanwhile(
        turn: Coroutine[Any, Any, bool], effect: Callable[[], Awaitable[None]]
    ) -> bool:
        """Wait for a turn, with an effect once it takes long."""
        task = asyncio.ensure_future(turn)
        try:
            if not (await asyncio.wait({task}, timeout=LONG_SECONDS))[0]:
                await effect()
            return await task
        finally:
            task.cancel()

    async def _put_off_behind(
        self, carrier: Carrier, waiting: deque[ReceivedJob]
    ) -> AsyncIterator[tuple[ReceivedJob, bool]]:
        """Take those out of a lane that stand behind a slow one and would wait as long."""
        while waiting and waiting[0].job.outcome is None:
            seconds = self._turns.wait_behind(carrier.shares(waiting[0].job.message))
            if seconds is None:
                return
            received = waiting.popleft()
            yield received, await self._put_off(received, seconds)

    async def _put_off(self, received: ReceivedJob, seconds: float) -> bool:
        """Queue the wake-up anew: one that only came back would count as received, and become a dead letter."""
        at = self._clock.now() + seconds
        try:
            await self._queue.wake(received.job.message.origin.pool, [received.job], at)
        except TemporaryFailure as away:
            LOG.warning("wake-up left: %s", away.public, extra={"fields": _fields(received)})
            return False
        LOG.debug("put off", extra={"fields": _fields(received)})
        return True

    @asynccontextmanager
    async def _room(
        self, carrier: Carrier, job: DeliveryJob, batch: DeliveryBatch
    ) -> AsyncIterator[None]:
        """While this lasts there is room for the job's body and what is made of it. TemporaryFailure when there is
        none before the last attempt starts."""
        message = job.message
        if job.outcome is not None or message.blob.length <= LARGEST_SPAN:
            yield
            return
        seconds = batch.last_start - self._clock.monotonic()
        copies = await carrier.copies(message, batch)
        async with batch.bodies.reserved(message.blob, seconds, copies=copies):
            yield

    async def _one(
        self, carrier: Carrier, received: ReceivedJob, batch: DeliveryBatch, turn: Turn
    ) -> bool:
        """Claim and settle one message; False when its wake-up must come back."""
        job = received.job
        if job.outcome is not None:
            return await self._outcome.store_queued(job, job.outcome)
        now = int(self._clock.now())
        owner = self._rand.bytes(8).hex()
        try:
            claimed = await self._messages.claim(
                job, owner, now, now + self._settings.lease_seconds
            )
            if isinstance(claimed, ClaimRefused):
                return await self._refused(received, claimed, now)
            after = await carrier.run(claimed, job, batch)
            turn.attempted(succeeded=after.status is not Status.SOFT_FAIL)
            await self._outcome.store(job, claimed, after, batch.settle_until)
        except MailError as error:
            LOG.warning("wake-up left: %s", error.public, extra={"fields": _fields(received)})
            return False
        return True

    async def _refused(self, received: ReceivedJob, refused: ClaimRefused, now: int) -> bool:
        """Rules 3 and 4: wait for a held lease, heal a lost wake-up, drop what is over."""
        record = refused.record
        if refused.reason is ClaimFailure.LEASED:
            wait = max(1, record.lease_until - now + 1)
            queue = received.job.message.origin.pool
            await self._queue.extend_visibility(queue, received.receipt, wait)
            return False
        lost = (
            refused.reason is ClaimFailure.STALE
            and record.state is State.WAITING
            and not record.by_sweeper
            and record.attempt == received.job.attempt + 1
        )
        if lost:
            await self._outcome.wake_again(record)
        return True


def _fields(received: ReceivedJob) -> dict[str, str | int]:
    return log_fields(received.job.message)


def _lanes(carrier: Carrier, jobs: Sequence[ReceivedJob]) -> list[list[ReceivedJob]]:
    """Wake-ups grouped as the carrier says, so that connections are reused; a large group gets several lanes. Large
    bodies come last in each, because they may have to wait for room."""
    groups: dict[str, list[ReceivedJob]] = {}
    for received in sorted(jobs, key=lambda one: one.job.message.blob.length > LARGEST_SPAN):
        groups.setdefault(carrier.lane(received.job.message), []).append(received)
    return [
        group[lane::MOST_LANES_A_SITE]
        for group in groups.values()
        for lane in range(min(MOST_LANES_A_SITE, len(group)))
    ]
