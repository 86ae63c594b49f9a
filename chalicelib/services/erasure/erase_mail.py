"""The messages of a server that are from or to an address: found by reading all of them, and forgotten.

One that waits is cancelled, and goes in another pass, once no wake-up can bring it back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from chalicelib.domain.erasure import Carries, Sought
from chalicelib.domain.errors import Conflict, NotFound, TemporaryFailure
from chalicelib.domain.model import MessageRecord, State
from chalicelib.domain.numbering import ServerId
from chalicelib.ports.blobs import BlobStore
from chalicelib.ports.clock import Clock
from chalicelib.ports.contents import Contents
from chalicelib.ports.old_mail import OldMail
from chalicelib.ports.traces import Traces
from chalicelib.services.erasure.progress import Progress
from chalicelib.services.queue.message_actions import MessageActions
from chalicelib.services.retention.forget_old import ForgetOld
from chalicelib.services.retention.there import There
from chalicelib.services.retention.walk import first_since, walk

READ_AT_ONCE = 16
SECONDS = 1.5
Looked = list[tuple[MessageRecord, Carries | None]]


class EraseMail:
    """A part of it at a time."""

    def __init__(
        self,
        clock: Clock,
        old: OldMail,
        contents: Contents,
        blobs: BlobStore,
        forget: ForgetOld,
        actions: MessageActions,
        traces: Traces,
    ) -> None:
        self._clock = clock
        self._old = old
        self._contents = contents
        self._blobs = blobs
        self._forget = forget
        self._actions = actions
        self._wake_up_seconds = traces.wake_up_seconds

    async def part(self, server: ServerId, sought: Sought, progress: Progress) -> bool:
        """About SECONDS of a pass over the messages; whether nothing of them is left to do. TemporaryFailure while
        wake-ups of what was cancelled may still come."""
        if not progress.after:
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
            if not mine:
                continue
            done = await self._done(sought, mine, progress)
            going = {one.message.id for one in done}
            needing = [one for one in batch.needing if one.message.id not in going]
            bodies = await there.of({one.message.blob for one in done})
            progress.contents += len(bodies - {one.message.blob for one in needing})
            progress.emails += len(done)
            progress.deliveries += sum(len(one.deliveries) for one in done)
            moved = await self._forget.forget(server, done, needing, there, at_once=True)
            last = mine[-1].message
            progress.after, progress.since = int(last.id), last.received_at
            # What was put elsewhere is read once more.
            if moved or self._clock.monotonic() >= until:
                return False
        return True

    async def _done(
        self, sought: Sought, records: Sequence[MessageRecord], progress: Progress
    ) -> list[MessageRecord]:
        """Those that go now."""
        done: list[MessageRecord] = []
        for record, carries in await self.look(sought, records):
            progress.named += carries is Carries.NAMED
            if carries is not Carries.ERASED:
                continue
            if record.state is State.DONE:
                done.append(record)
            else:
                await self._cancel(record)
                progress.wait_until = self._clock.now() + self._wake_up_seconds + 1
        return done

    async def _cancel(self, record: MessageRecord) -> None:
        """End a message that waits. One that is being sent at this moment ends by itself."""
        message = record.message
        try:
            await self._actions.cancel(message.server_id, message.id)
        except (Conflict, NotFound):
            return

    async def _content(self, record: MessageRecord) -> bytes:
        try:
            return await self._blobs.get(record.message.blob)
        except NotFound:
            return b""
