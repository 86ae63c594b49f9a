"""The messages of a server that are from or to an address: found by reading all of them, and forgotten.

Which of a batch go is written down before any of them does, and counted then: a content that is gone tells nobody any
more that its message was from the address. One that waits is cancelled, and goes in another pass, once no wake-up can
bring it back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from chalicelib.domain.erasure import Carries, Sought
from chalicelib.domain.errors import Conflict, NotFound, TemporaryFailure
from chalicelib.domain.model import MessageRecord, State
from chalicelib.domain.numbering import ServerId
from chalicelib.ports.blobs import BlobStore
from chalicelib.ports.clock import Clock
from chalicelib.ports.contents import Contents
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.old_mail import OldMail
from chalicelib.ports.traces import Traces
from chalicelib.services.erasure.progress import Progress
from chalicelib.services.queue.message_actions import MessageActions
from chalicelib.services.retention.forget_old import ForgetOld
from chalicelib.services.retention.there import There
from chalicelib.services.retention.walk import Batch, first_since, walk

READ_AT_ONCE = 16
SECONDS = 1.5
Looked = list[tuple[MessageRecord, Carries | None]]


class EraseMail:
    """A part of it at a time."""

    def __init__(
        self,
        clock: Clock,
        messages: MessageStore,
        old: OldMail,
        contents: Contents,
        blobs: BlobStore,
        forget: ForgetOld,
        actions: MessageActions,
        traces: Traces,
    ) -> None:
        self._clock = clock
        self._messages = messages
        self._old = old
        self._contents = contents
        self._blobs = blobs
        self._forget = forget
        self._actions = actions
        self._wake_up_seconds = traces.wake_up_seconds

    async def part(self, server: ServerId, sought: Sought, progress: Progress) -> bool:
        """About SECONDS of a pass over the messages; whether nothing of them is left to do. TemporaryFailure while
        wake-ups of what was cancelled may still come."""
        if not progress.after and not progress.upto:
            if progress.wait_until > self._clock.now():
                raise TemporaryFailure("Wake-ups of cancelled messages may still come")
            progress.wait_until, progress.named = 0.0, 0
        if not await self._pass(server, sought, progress):
            return False
        progress.after, progress.since = 0, 0.0
        if progress.wait_until:
            return False
        progress.kept["emails"] = progress.kept.get("emails", 0) + progress.named
        progress.named = 0
        return True

    async def look(self, sought: Sought, records: Sequence[MessageRecord]) -> Looked:
        """What each message has to do with the address."""
        found: Looked = []
        for start in range(0, len(records), READ_AT_ONCE):
            some = records[start : start + READ_AT_ONCE]
            contents = await asyncio.gather(*map(self._content, some))
            found += [
                (one, sought.carried_by(one, content))
                for one, content in zip(some, contents, strict=True)
            ]
        return found

    async def _pass(self, server: ServerId, sought: Sought, progress: Progress) -> bool:
        until, there = self._clock.monotonic() + SECONDS, There(self._contents, server)
        begin = 0
        if progress.after:
            begin = await first_since(self._old, server, progress.since)
        async for batch in walk(self._old, server, begin, float("inf"), lambda _: True):
            mine = [one for one in batch.records if one.message.id > progress.after]
            if progress.upto:
                mine = [one for one in mine if one.message.id <= progress.upto]
            if not mine:
                continue
            last, moved = mine[-1].message, False
            if progress.upto:
                moved = await self._forgotten(server, mine, batch, there, progress)
            elif found := await self._found(sought, mine, progress):
                await self._count(server, found, batch, there, progress)
                progress.going, progress.upto = [int(one.message.id) for one in found], int(last.id)
                return False
            progress.after, progress.since = int(last.id), last.received_at
            # What was put elsewhere is read once more.
            if moved or self._clock.monotonic() >= until:
                return False
        return True

    async def _count(
        self,
        server: ServerId,
        found: Sequence[MessageRecord],
        batch: Batch,
        there: There,
        progress: Progress,
    ) -> None:
        """Count what is to go."""
        needing = _needing(found, batch)
        bodies = await there.of({one.message.blob for one in found})
        progress.contents += len(bodies - {one.message.blob for one in needing})
        progress.emails += len(found)
        for one in found:
            # What a record shows of its log is not all of it.
            progress.deliveries += len(await self._messages.deliveries(server, one.message.id))

    async def _forgotten(
        self,
        server: ServerId,
        mine: Sequence[MessageRecord],
        batch: Batch,
        there: There,
        progress: Progress,
    ) -> bool:
        """Have those go that are written down; whether others' contents were put elsewhere."""
        going, last = set(progress.going), int(mine[-1].message.id)
        found = [one for one in mine if one.message.id in going]
        for again in [one for one in found if one.state is not State.DONE]:
            found.remove(again)
            progress.emails -= 1
            await self._cancel(again, progress)
        moved = await self._forget.forget(
            server, found, _needing(found, batch), there, at_once=True
        )
        if last == progress.upto:
            progress.going, progress.upto = [], 0
        return bool(moved)

    async def _found(
        self, sought: Sought, records: Sequence[MessageRecord], progress: Progress
    ) -> list[MessageRecord]:
        """Those that go now."""
        found: list[MessageRecord] = []
        for record, carries in await self.look(sought, records):
            progress.named += carries is Carries.NAMED
            if carries is not Carries.ERASED:
                continue
            if record.state is State.DONE:
                found.append(record)
            else:
                await self._cancel(record, progress)
        return found

    async def _cancel(self, record: MessageRecord, progress: Progress) -> None:
        """End a message that waits, to be looked at once more when nothing wakes it. One that is being sent at this
        moment ends by itself."""
        message = record.message
        progress.wait_until = self._clock.now() + self._wake_up_seconds + 1
        with suppress(Conflict, NotFound):
            await self._actions.cancel(message.server_id, message.id)

    async def _content(self, record: MessageRecord) -> bytes:
        try:
            return await self._blobs.get(record.message.blob)
        except NotFound:
            return b""


def _needing(found: Sequence[MessageRecord], batch: Batch) -> list[MessageRecord]:
    """Who needs bodies that may lie with those that go."""
    going = {one.message.id for one in found}
    return [one for one in batch.needing if one.message.id not in going]
