"""One delivery attempt for each wake-up: claim it, send it through the outgoing steps, settle it.

The steps themselves are listed in `chalicelib.services.outgoing`. A wake-up that is not reported as left over is
done with; one that is left over comes back by itself. Nothing is lost whichever line this process dies at, and a
message is sent twice only if it dies, or loses the store, between the final dot and the settling write
(docs/architecture.md).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from chalicelib.config import Settings
from chalicelib.domain import settle
from chalicelib.domain.errors import MailError, TemporaryFailure
from chalicelib.domain.mailbox import domain_of
from chalicelib.domain.model import MessageRecord, Settlement, State, WorkItem
from chalicelib.domain.settle import LONGEST_DELAY
from chalicelib.ports.clock import Clock
from chalicelib.ports.directory import Directory
from chalicelib.ports.messages import ClaimFailure, ClaimRefused, MessageStore
from chalicelib.ports.queue import WorkQueue
from chalicelib.ports.rand import Rand
from chalicelib.ports.suppressions import SuppressionList
from chalicelib.services.bodies import LARGEST_SPAN
from chalicelib.services.outgoing import Known, SendOutgoing, log_fields, pair_of

LOG = logging.getLogger("posthorn.attempt")

MOST_AT_ONCE = 50
MOST_LANES_A_SITE = 5
LAST_SETTLE_SECONDS = 30
"""What stays of an invocation after its latest conversation: an outcome that the store does not take in that time is
queued, which takes no longer than QUEUE_SECONDS."""
QUEUE_SECONDS = 15
SETTLEMENT_DELAY = 30


@dataclass(frozen=True, slots=True)
class WakeUp:
    """A received work item and the receipt that hides or keeps it."""

    item: WorkItem
    receipt: str


@dataclass(frozen=True, slots=True)
class _Batch:
    """What the attempts of one invocation share; `ends` and `last_start` are moments of the monotonic clock."""

    known: Known
    ends: float
    last_start: float
    gate: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MOST_AT_ONCE))


class AttemptDelivery:
    """The delivering use case."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        rand: Rand,
        directory: Directory,
        messages: MessageStore,
        queue: WorkQueue,
        suppressions: SuppressionList,
        outgoing: SendOutgoing,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._rand = rand
        self._directory = directory
        self._messages = messages
        self._queue = queue
        self._suppressions = suppressions
        self._outgoing = outgoing

    async def run(self, wakeups: Sequence[WakeUp], seconds_left: float | None = None) -> set[str]:
        """Work through a batch; returns the receipts that must come back.

        No attempt starts that could not end, by its deadline and with its outcome stored or queued, in `seconds_left`:
        those of the invocation, by default as many as a lease has (rule 8).
        """
        seconds = self._settings.lease_seconds if seconds_left is None else seconds_left
        self._say_if_too_short(seconds)
        ends = self._clock.monotonic() + seconds
        try:
            known = await self._gather(wakeups)
        except TemporaryFailure as away:
            LOG.warning("batch left: %s", away.public)
            return {wakeup.receipt for wakeup in wakeups}
        batch = _Batch(known, ends, ends - self._settings.deadline_seconds - LAST_SETTLE_SECONDS)
        left: set[str] = set()

        async def work(lane: list[WakeUp]) -> None:
            for wakeup in lane:
                if not await self._in_turn(wakeup, batch):
                    left.add(wakeup.receipt)

        await asyncio.gather(*(work(lane) for lane in _lanes(wakeups)))
        return left

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

    async def _in_turn(self, wakeup: WakeUp, batch: _Batch) -> bool:
        """One message, once there is room for it; False when its wake-up must come back."""
        seconds = batch.last_start - self._clock.monotonic()
        room = self._outgoing.room_for(wakeup.item, batch.known, seconds)
        try:
            async with room, batch.gate:
                return self._clock.monotonic() <= batch.last_start and await self._one(
                    wakeup, batch
                )
        except TemporaryFailure as full:
            LOG.info("wake-up left: %s", full.public, extra={"fields": _fields(wakeup)})
            return False

    async def _gather(self, wakeups: Sequence[WakeUp]) -> Known:
        servers = sorted({wakeup.item.message.server_id for wakeup in wakeups})
        pairs = sorted({pair_of(wakeup.item.message) for wakeup in wakeups})
        now = self._clock.now()
        found, listed = await asyncio.gather(
            self._directory.fresh_servers(servers), self._suppressions.listed(pairs, now)
        )
        bodies = [each.item.message.blob for each in wakeups if each.item.settlement is None]
        return Known(found, listed, self._outgoing.bodies(bodies))

    async def _one(self, wakeup: WakeUp, batch: _Batch) -> bool:
        """Claim and settle one message; False when its wake-up must come back."""
        item = wakeup.item
        if item.settlement is not None:
            return await self._store_settlement(item, item.settlement)
        now = int(self._clock.now())
        owner = self._rand.bytes(8).hex()
        try:
            claimed = await self._messages.claim(
                item, owner, now, now + self._settings.lease_seconds
            )
            if isinstance(claimed, ClaimRefused):
                return await self._refused(wakeup, claimed, now)
            after = await self._outgoing.carry(claimed, item, batch.known)
            await self._settle(item, claimed, after, batch.ends - QUEUE_SECONDS)
        except MailError as error:
            LOG.warning("wake-up left: %s", error.public, extra={"fields": _fields(wakeup)})
            return False
        return True

    async def _refused(self, wakeup: WakeUp, refused: ClaimRefused, now: int) -> bool:
        """Rules 3 and 4: wait for a held lease, heal a lost wake-up, drop what is over."""
        record = refused.record
        if refused.reason is ClaimFailure.LEASED:
            wait = max(1, record.lease_until - now + 1)
            await self._queue.hide(wakeup.item.message.pool, wakeup.receipt, wait)
            return False
        lost = (
            refused.reason is ClaimFailure.STALE
            and record.state is State.WAITING
            and not record.in_due_index
            and record.attempt == wakeup.item.attempt + 1
        )
        if lost:
            await self._wake_again(record)
        return True

    async def _wake_again(self, record: MessageRecord) -> None:
        """Queue the wake-up of a short wait; longer ones are the sweeper's."""
        if record.state is not State.WAITING or record.in_due_index:
            return
        delay = min(LONGEST_DELAY, max(0, record.wake_at - int(self._clock.now())))
        item = WorkItem(record.message, record.attempt)
        await self._queue.send(record.message.pool, [item], delay)

    async def _settle(
        self, item: WorkItem, before: MessageRecord, after: MessageRecord, ends: float
    ) -> None:
        """Store how the attempt ended and see to the next wake-up.

        Rule 7: the write is tried for two minutes, or until `ends`, because giving it up means sending again. Then the
        outcome is put into the queue, which is another service than the store, and written from there.
        """
        give_up = min(self._clock.monotonic() + self._settings.settle_seconds, ends)
        wait = 0.25
        while True:
            try:
                moved = await self._messages.replace(before, after)
            except TemporaryFailure:
                if self._clock.monotonic() + wait > give_up:
                    LOG.error("outcome queued", extra={"fields": log_fields(after.message)})
                    return await self._queue_settlement(item, before, after)
            else:
                return await self._follow(after, moved)
            await self._clock.sleep(wait)
            wait = min(wait * 2, 10.0)

    async def _follow(self, after: MessageRecord, moved: bool) -> None:
        if moved:
            await self._wake_again(after)
        else:
            LOG.warning("lease lost", extra={"fields": log_fields(after.message)})

    async def _queue_settlement(
        self, item: WorkItem, before: MessageRecord, after: MessageRecord
    ) -> None:
        settlement = settle.settlement_of(before, after)
        queued = WorkItem(item.message, before.attempt, item.manual, settlement)
        await self._queue.send(item.message.pool, [queued], SETTLEMENT_DELAY)

    async def _store_settlement(self, item: WorkItem, settlement: Settlement) -> bool:
        """Write an outcome that came through the queue, unless the message has moved on since."""
        try:
            record = await self._messages.get(item.message.server_id, item.message.id)
            if record.attempt == item.attempt and record.lease_owner == settlement.owner:
                after = settle.settled(record, settlement)
                if await self._messages.replace(record, after):
                    await self._wake_again(after)
        except TemporaryFailure as away:
            LOG.warning("outcome left: %s", away.public, extra={"fields": log_fields(item.message)})
            return False
        return True


def _fields(wakeup: WakeUp) -> dict[str, str | int]:
    return log_fields(wakeup.item.message)


def _lanes(wakeups: Sequence[WakeUp]) -> list[list[WakeUp]]:
    """Wake-ups grouped by recipient domain, so that connections are reused; a large group gets several lanes. Large
    bodies come last in each, because they may have to wait for room."""
    groups: dict[str, list[WakeUp]] = {}
    for wakeup in sorted(wakeups, key=lambda one: one.item.message.blob.length > LARGEST_SPAN):
        groups.setdefault(domain_of(wakeup.item.message.rcpt_to), []).append(wakeup)
    return [
        group[lane::MOST_LANES_A_SITE]
        for group in groups.values()
        for lane in range(min(MOST_LANES_A_SITE, len(group)))
    ]
