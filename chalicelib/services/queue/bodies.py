"""The stored bytes of a batch's messages, within a bound: neighbours in one stored object come with one read, and large
bodies wait until there is room for them.

Messages that were accepted together lie side by side, and the recipients of one message share its bytes, so a batch
asks for many pieces of few objects. Nothing is read before it is asked for. Bodies of up to LARGEST_SPAN bytes are read
together, at most that much at once, and stay until all messages that lie there are done with; a larger one is read once
for all who hold it at the same time, and let go with the last of them. A read that fails is tried again by whoever asks
next.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from functools import partial

from chalicelib.config import Settings
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.model import BlobRef
from chalicelib.ports.blobs import BlobStore

LARGEST_SPAN = 1024 * 1024
NO_ROOM = "There was no room for this message among other large ones in time."


class Room:
    """Bytes of large bodies that may be in hand at a time, in all batches of a process. What is larger than all of it
    is let in alone."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._used = 0
        self.changed = asyncio.Condition()

    def fits(self, size: int) -> bool:
        """Whether so much more may be in hand now."""
        return 0 in (size, self._used) or self._used + size <= self._most

    def take(self, size: int) -> None:
        """Count bytes that are in hand from now on."""
        self._used += size

    async def give_back(self, size: int) -> None:
        """Count them no longer, and tell who waits."""
        self._used -= size
        async with self.changed:
            self.changed.notify_all()


class Bodies:
    """Reads for one batch. `refs` are those that it may ask for; others are read by themselves. `room` is what large
    ones share with other batches."""

    def __init__(self, blobs: BlobStore, refs: Iterable[BlobRef], room: Room | None = None) -> None:
        self._blobs = blobs
        known = list(refs)
        self._spans = _spans(known)
        self._left = Counter(self._spans.get(ref, ref) for ref in known)
        self._reads: dict[BlobRef, asyncio.Task[bytes]] = {}
        self._room = room or Room(Settings().bytes_in_hand)
        self._reserving: Counter[BlobRef] = Counter()

    @asynccontextmanager
    async def reserved(
        self, ref: BlobRef, seconds: float, *, copies: int = 0
    ) -> AsyncIterator[None]:
        """While this lasts there is room for the body and for as many copies of it, which the holder makes.

        Equal references share room and read. Waits up to `seconds`, holding nothing meanwhile; then TemporaryFailure.
        """
        if ref.length <= LARGEST_SPAN:
            yield
            return
        await self._take(ref, copies, seconds)
        try:
            yield
        finally:
            self._reserving[ref] -= 1
            size = copies * ref.length
            if not self._reserving[ref]:
                del self._reserving[ref]
                self._reads.pop(ref, None)
                size += ref.length
            await asyncio.shield(self._room.give_back(size))

    @asynccontextmanager
    async def more(self, size: int) -> AsyncIterator[None]:
        """While this lasts there is room for so many bytes beside a held body. TemporaryFailure at once when there is
        none: who holds some must not wait for others that do."""
        if not self._room.fits(size):
            raise TemporaryFailure(NO_ROOM)
        self._room.take(size)
        try:
            yield
        finally:
            await asyncio.shield(self._room.give_back(size))

    async def get(self, ref: BlobRef) -> bytes:
        """The bytes of a reference. Raises what the store raises: NotFound, TemporaryFailure."""
        span = self._spans.get(ref)
        if span is None and ref not in self._reserving:
            return await self._blobs.get(ref)
        span = span or ref
        read = self._reads.get(span)
        if read is None:
            read = self._reads[span] = asyncio.ensure_future(self._blobs.get(span))
            read.add_done_callback(partial(self._forget_failure, span))
        # Shielded, because one cancelled attempt must not take the bytes away from the others.
        whole = await asyncio.shield(read)
        start = ref.offset - span.offset
        return whole[start : start + ref.length]

    def done(self, ref: BlobRef) -> None:
        """Let go of what was read for a message that is done with, with the last one that lies there."""
        span = self._spans.get(ref, ref)
        self._left[span] -= 1
        if self._left[span] <= 0 and span not in self._reserving:
            self._reads.pop(span, None)

    async def _take(self, ref: BlobRef, copies: int, seconds: float) -> None:
        def size() -> int:
            return (copies + (ref not in self._reserving)) * ref.length

        try:
            async with asyncio.timeout(seconds), self._room.changed:
                await self._room.changed.wait_for(lambda: self._room.fits(size()))
                self._room.take(size())
                self._reserving[ref] += 1
        except TimeoutError as late:
            raise TemporaryFailure(NO_ROOM) from late

    def _forget_failure(self, span: BlobRef, read: asyncio.Task[bytes]) -> None:
        if read.cancelled() or read.exception() is not None:
            self._reads.pop(span, None)


def _spans(refs: Iterable[BlobRef]) -> dict[BlobRef, BlobRef]:
    """For each reference that can be read together with another, the range that holds both."""
    by_object: defaultdict[str, list[BlobRef]] = defaultdict(list)
    for ref in refs:
        by_object[ref.key].append(ref)
    spans: dict[BlobRef, BlobRef] = {}
    for found in by_object.values():
        group: list[BlobRef] = []
        for ref in sorted(found, key=lambda ref: ref.offset):
            if group and ref.offset + ref.length - group[0].offset > LARGEST_SPAN:
                spans.update(_joined(group))
                group = []
            group.append(ref)
        spans.update(_joined(group))
    return spans


def _joined(group: Sequence[BlobRef]) -> dict[BlobRef, BlobRef]:
    if len(group) == 1:
        return {}
    first = group[0].offset
    end = max(ref.offset + ref.length for ref in group)
    return dict.fromkeys(group, BlobRef(group[0].key, first, end - first))
