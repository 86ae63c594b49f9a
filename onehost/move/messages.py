"""Messages of one installation in another, page by page: bytes first, then records with their log, links and hits.

A message that went on at the other side is left as it is there.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from chalicelib.bootstrap import Posthorn
from chalicelib.domain.durations import DAY
from chalicelib.domain.errors import NotFound
from chalicelib.domain.model import BlobRef, DeliveryJob, Message, MessageRecord, Scope, State
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.ports.blobs import BlobStore
from chalicelib.ports.clock import Clock
from chalicelib.ports.engagement import Engagement
from chalicelib.ports.intake import LARGEST_PACKED
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.queue import WorkQueue
from onehost.move.steps import FINISHED, Steps
from onehost.storage.progress import Progress

PAGE = 100
MOST_HITS = 100_000
LEASE_OVER = 1


class MessageCopy:
    """Copies what is over, and with `last` what waits too."""

    def __init__(
        self, source: Posthorn, target: Posthorn, steps: Steps, progress: Progress, *, last: bool
    ) -> None:
        self._source = source
        self._target = target
        self._steps = steps
        self._progress = progress
        self._last = last
        self.seen = 0

    async def all_of(self, server: ServerId) -> None:
        """Every message of a server, the newest first, from where the run before ended."""
        for scope in Scope:
            cursor = self._steps.cursor(server, scope)
            while cursor != FINISHED:
                page = await self._source[MessageStore].page(server, scope, PAGE, cursor)
                await self._copy(server, page.values)
                self.seen += len(page.values)
                self._progress.at("messages", self.seen)
                self._steps.copied(server, scope, page.next_cursor)
                cursor = page.next_cursor or FINISHED

    async def _copy(self, server: ServerId, records: Sequence[MessageRecord]) -> None:
        wanted = [one for one in records if self._last or one.state is State.DONE]
        refs = [(server, one.message.id) for one in wanted]
        there = {one.message.id: one for one in await self._target[MessageStore].get_many(refs)}
        new = [one.message for one in wanted if one.message.id not in there]
        made = await self._created(server, new)
        await asyncio.gather(
            *(
                self._copy_one(one, made.get(one.message.id), there.get(one.message.id))
                for one in wanted
            )
        )

    async def _created(
        self, server: ServerId, messages: Sequence[Message]
    ) -> dict[MessageId, Message]:
        """Messages that the target lacks, with their bytes in its store."""
        places: dict[BlobRef, BlobRef] = {}
        by_day: dict[str, list[Message]] = {}
        for message in messages:
            by_day.setdefault(time.strftime("%Y%m%d", time.gmtime(message.received_at)), []).append(
                message
            )
        for ours in by_day.values():
            places |= await self._stored(
                server, list({one.blob for one in ours}), ours[0].received_at
            )
        made = [replace(one, blob=places.get(one.blob, one.blob)) for one in messages]
        await self._target[MessageStore].create(made)
        return {one.id: one for one in made}

    async def _stored(
        self, server: ServerId, refs: Sequence[BlobRef], received_at: float
    ) -> dict[BlobRef, BlobRef]:
        """Bodies of one day in the target, small ones together. What retention took has no new place."""
        places: dict[BlobRef, BlobRef] = {}
        pack: dict[BlobRef, bytes] = {}
        for ref in refs:
            try:
                body = await self._source[BlobStore].get(ref)
            except NotFound:
                continue
            if sum(map(len, pack.values())) + len(body) > LARGEST_PACKED:
                places |= await self._put(server, pack, received_at)
                pack = {}
            pack[ref] = body
        return places | await self._put(server, pack, received_at)

    async def _put(
        self, server: ServerId, pack: dict[BlobRef, bytes], received_at: float
    ) -> dict[BlobRef, BlobRef]:
        put = await self._target[BlobStore].put(server, list(pack.values()), received_at)
        return dict(zip(pack, put, strict=True))

    async def _copy_one(
        self, record: MessageRecord, made: Message | None, there: MessageRecord | None
    ) -> None:
        """Bring one record into step with the source's, unless the other side has worked on it."""
        message = there.message if there else made or record.message
        before = there or MessageRecord(message)
        if _went_on(before, record):
            return
        store, server, number = self._target[MessageStore], message.server_id, message.id
        log = await self._source[MessageStore].deliveries(server, number)
        known = await store.deliveries(server, number) if there else ()
        after = _as_it_waits(replace(record, message=message, deliveries=log))
        before = replace(before, deliveries=known)
        await self._copy_engagement(record)
        if _without_hits(before) != _without_hits(after):
            await store.replace(before, after)
        if after.state is State.LEASED:
            await self._target[WorkQueue].wake(
                message.origin.pool, [DeliveryJob(message, after.attempt)]
            )

    async def _copy_engagement(self, record: MessageRecord) -> None:
        server, message = record.message.server_id, record.message.id
        source, target = self._source[Engagement], self._target[Engagement]
        kept = self._source.settings.tracking_days * DAY
        if links := await _links(source, record):
            until = max(
                int(record.message.received_at) + kept, int(self._source[Clock].now()) + DAY
            )
            await target.keep_links(server, message, links, until)
        if record.opened_at is None and record.clicked_at is None:
            return
        there = Counter(await target.hits(server, message, MOST_HITS))
        for hit in await source.hits(server, message, MOST_HITS):
            there[hit] -= 1
            if there[hit] < 0:
                await target.record(server, message, hit, int(hit.at) + kept)


async def _links(source: Engagement, record: MessageRecord) -> list[str]:
    """What the links of a message point to. A worker that died may have sent links that the record does not count."""
    server, message = record.message.server_id, record.message.id
    found: list[str] = []
    with contextlib.suppress(NotFound):  # their time is over, or there are no more
        while record.links is None or len(found) < record.links:
            found.append(await source.link(server, message, len(found) + 1))
    return found


def _went_on(there: MessageRecord, ours: MessageRecord) -> bool:
    """Whether the other side's workers have had it."""
    if there.attempt > ours.attempt:
        return True
    return there.state is State.LEASED and there.lease_until > LEASE_OVER


def _as_it_waits(record: MessageRecord) -> MessageRecord:
    """A waiting record is left to the sweeper of the other side, and a lease is over there."""
    if record.state is State.WAITING:
        wake_at = record.wake_at or int(record.message.received_at)
        return replace(record, by_sweeper=True, wake_at=wake_at)
    if record.state is State.LEASED:
        return replace(record, lease_until=LEASE_OVER)
    return record


def _without_hits(record: MessageRecord) -> MessageRecord:
    return replace(record, opened_at=None, clicked_at=None, taken_over=False)
