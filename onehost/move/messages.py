"""Messages of one installation in another, page by page: bytes first, then records with all that hangs on them.

A message that went on at the other side is left as it is there. One that is there as it is here is not looked at again,
unless it was opened or clicked.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from chalicelib.bootstrap import Posthorn
from chalicelib.domain.limits.limit import Standing, limit_of
from chalicelib.domain.model import DeliveryJob, Message, MessageRecord, Scope, State
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.ports.blobs import BlobStore
from chalicelib.ports.clock import Clock
from chalicelib.ports.limit_lines import LimitLines
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.queue import WorkQueue
from chalicelib.ports.transfer import MessageTransfer
from onehost.move.bodies import copy_bodies
from onehost.move.steps import FINISHED, Steps
from onehost.storage.progress import Progress

PAGE = 200
LEASE_OVER = 1
Jobs = Mapping[tuple[ServerId, MessageId, int], DeliveryJob]


class MessageCopy:
    """Copies the messages of a server, the newest first, from where the run before ended."""

    def __init__(
        self, source: Posthorn, target: Posthorn, steps: Steps, progress: Progress
    ) -> None:
        self._source = source
        self._target = target
        self._steps = steps
        self._progress = progress
        self._jobs: Jobs = {}
        self.seen = 0

    async def over(self, server: ServerId) -> None:
        """Those that no worker will touch again."""
        await self._all_of(server, "over", frozenset({State.DONE}))

    async def waiting(self, server: ServerId, jobs: Jobs) -> None:
        """The others, with their wake-ups; `jobs` are those that say more than their record."""
        self._jobs = jobs
        await self._all_of(server, "waiting", frozenset(State) - {State.DONE})

    async def _all_of(self, server: ServerId, what: str, states: frozenset[State]) -> None:
        for scope in Scope:
            name = f"{what} {server} {scope}"
            cursor = self._steps.cursor(name)
            while cursor != FINISHED:
                page = await self._source[MessageStore].page(server, scope, PAGE, cursor)
                wanted = [one for one in page.values if one.state in states]
                if wanted:
                    await self._copy(server, wanted)
                self.seen += len(wanted)
                self._progress.at("messages", self.seen)
                self._steps.copied(name, page.next_cursor)
                cursor = page.next_cursor or FINISHED

    async def _copy(self, server: ServerId, records: Sequence[MessageRecord]) -> None:
        refs = [(server, one.message.id) for one in records]
        there = {one.message.id: one for one in await self._target[MessageStore].get_many(refs)}
        new = [one for one in records if one.message.id not in there]
        known = [one for one in records if one.message.id in there]
        ours = [one for one in known if not _went_on(there[one.message.id], one)]
        added = await self._add(server, new)
        await asyncio.gather(*(self._renew(there[one.message.id], one) for one in ours))
        kept = [(one, there[one.message.id].message) for one in ours]
        await self._wake([*zip(new, added, strict=True), *kept])
        await self._stand_in_line([*new, *ours])

    async def _add(self, server: ServerId, records: Sequence[MessageRecord]) -> list[Message]:
        """Messages that the target lacks, as they are there."""
        blobs = self._source[BlobStore], self._target[BlobStore]
        places = await copy_bodies(*blobs, server, [one.message for one in records])
        found = await self._source[MessageTransfer].whole(records)
        moved = []
        for one in found:
            message = one.record.message
            there = replace(message, blob=places.get(message.blob, message.blob))
            moved.append(replace(one, record=self._moved(one.record, there)))
        await self._target[MessageTransfer].add(moved)
        return [one.record.message for one in moved]

    async def _renew(self, there: MessageRecord, record: MessageRecord) -> None:
        """Bring a message into step with the source's."""
        is_engaged = record.opened_at is not None or record.clicked_at is not None
        if not is_engaged and self._moved(record, there.message) == there:
            return
        (whole,) = await self._source[MessageTransfer].whole([record])
        after = self._moved(whole.record, there.message)
        opened = [at for at in (after.opened_at, there.opened_at) if at is not None]
        clicked = [at for at in (after.clicked_at, there.clicked_at) if at is not None]
        after = replace(
            after, opened_at=min(opened, default=None), clicked_at=max(clicked, default=None)
        )
        await self._target[MessageTransfer].renew(there, replace(whole, record=after))

    async def _wake(self, pairs: Sequence[tuple[MessageRecord, Message]]) -> None:
        """Queue the wake-ups that the sweeper would not, or not as they were."""
        by_pool: defaultdict[tuple[str, int], list[DeliveryJob]] = defaultdict(list)
        for record, message in pairs:
            job = self._job(record)
            if job is None and record.state is State.LEASED:
                job = DeliveryJob(message, record.attempt)
            if job is not None:
                wake_at = record.wake_at if record.state is State.WAITING else 0
                by_pool[message.origin.pool, wake_at].append(replace(job, message=message))
        for (pool, at), jobs in by_pool.items():
            await self._target[WorkQueue].wake(pool, jobs, at)

    async def _stand_in_line(self, records: Sequence[MessageRecord]) -> None:
        """What send limits hold here, they hold there; places in lines are as the times of acceptance."""
        lines, now = self._target[LimitLines], self._target[Clock].now()
        for record in records:
            if record.limit_hold is not None:
                standing = Standing.of(record.message, record.attempt)
                await lines.enter(limit_of(record.limit_hold), standing, now)

    def _job(self, record: MessageRecord) -> DeliveryJob | None:
        """What is queued for a record and says more than it."""
        if record.state not in (State.WAITING, State.LEASED):
            return None
        return self._jobs.get((record.message.server_id, record.message.id, record.attempt))

    def _moved(self, record: MessageRecord, message: Message) -> MessageRecord:
        """A record as it is to be at the other side: what waits is left to the sweeper there, unless its wake-up says
        more, and a lease is over."""
        record = replace(record, message=message)
        if record.state is State.WAITING:
            wake_at = record.wake_at or int(message.received_at)
            return replace(record, by_sweeper=self._job(record) is None, wake_at=wake_at)
        if record.state is State.LEASED:
            return replace(record, lease_until=LEASE_OVER)
        return record


def _went_on(there: MessageRecord, ours: MessageRecord) -> bool:
    """Whether the other side's workers have had it."""
    if there.attempt > ours.attempt:
        return True
    return there.state is State.LEASED and there.lease_until > LEASE_OVER
