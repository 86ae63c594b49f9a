"""The stored bytes of a batch's messages: neighbours in one stored object come with one read.

Messages that were accepted together lie side by side, and the recipients of one message share its bytes, so a batch
asks for many pieces of few objects. Nothing is read before it is asked for, and at most LARGEST_SPAN bytes at once for
several messages; what was read stays until the batch is over. A read that fails is tried again by whoever asks next.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import partial

from chalicelib.domain.model import BlobRef
from chalicelib.ports import BlobStore

LARGEST_SPAN = 1024 * 1024


class Bodies:
    """Reads for one batch. `refs` are those that it may ask for; others are read by themselves."""

    def __init__(self, blobs: BlobStore, refs: Iterable[BlobRef]) -> None:
        self._blobs = blobs
        self._spans = _spans(refs)
        self._reads: dict[BlobRef, asyncio.Task[bytes]] = {}

    async def get(self, ref: BlobRef) -> bytes:
        """The bytes of a reference. Raises what the store raises: NotFound, TemporaryFailure."""
        span = self._spans.get(ref)
        if span is None:
            return await self._blobs.get(ref)
        read = self._reads.get(span)
        if read is None:
            read = self._reads[span] = asyncio.ensure_future(self._blobs.get(span))
            read.add_done_callback(partial(self._forget_failure, span))
        # Shielded, because one cancelled attempt must not take the bytes away from the others.
        whole = await asyncio.shield(read)
        start = ref.offset - span.offset
        return whole[start : start + ref.length]

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
