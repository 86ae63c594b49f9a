"""The bytes of messages out of one store of blobs and into another: neighbours are read together, small ones put
together, some megabytes at a time."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Sequence

from chalicelib.domain.errors import NotFound
from chalicelib.domain.model import BlobRef, Message
from chalicelib.domain.numbering import ServerId
from chalicelib.ports.blobs import BlobStore
from chalicelib.ports.intake import LARGEST_PACKED
from chalicelib.services.gather import gather

IN_HAND = 8 * 1024 * 1024
Places = dict[BlobRef, BlobRef]


async def copy_bodies(
    source: BlobStore, target: BlobStore, server: ServerId, messages: Iterable[Message]
) -> Places:
    """Where the bodies of a server's messages lie in the target. What retention took has no place there."""
    by_day: dict[str, list[Message]] = {}
    for message in messages:
        day = time.strftime("%Y%m%d", time.gmtime(message.received_at))
        by_day.setdefault(day, []).append(message)
    places: Places = {}
    for ours in by_day.values():
        at = ours[0].received_at
        for refs in _by_size(_neighbours({one.blob for one in ours})):
            bodies: dict[BlobRef, bytes] = {}
            for read in await gather(_read(source, some) for some in refs):
                bodies |= read
            packs = _packs(bodies)
            put = await gather(
                target.put(server, [bodies[ref] for ref in pack], at) for pack in packs
            )
            for pack, made in zip(packs, put, strict=True):
                places |= zip(pack, made, strict=True)
    return places


def _neighbours(refs: Collection[BlobRef]) -> Iterator[list[BlobRef]]:
    """References that one read brings: side by side in one object, and small."""
    group: list[BlobRef] = []
    for ref in sorted(refs, key=lambda one: (one.key, one.offset)):
        if group and not _fits(group, ref):
            yield group
            group = []
        group.append(ref)
    if group:
        yield group


def _fits(group: Sequence[BlobRef], ref: BlobRef) -> bool:
    last = group[-1]
    beside = (ref.key, ref.offset) == (last.key, last.offset + last.length)
    return beside and ref.offset + ref.length - group[0].offset <= LARGEST_PACKED


def _by_size(groups: Iterable[list[BlobRef]]) -> Iterator[list[list[BlobRef]]]:
    """Groups of up to IN_HAND bytes together; what is larger comes alone."""
    some: list[list[BlobRef]] = []
    size = 0
    for group in groups:
        length = sum(ref.length for ref in group)
        if some and size + length > IN_HAND:
            yield some
            some, size = [], 0
        some.append(group)
        size += length
    if some:
        yield some


async def _read(source: BlobStore, refs: Sequence[BlobRef]) -> dict[BlobRef, bytes]:
    first = refs[0].offset
    end = refs[-1].offset + refs[-1].length
    try:
        span = await source.get(BlobRef(refs[0].key, first, end - first))
    except NotFound:
        return {}
    return {ref: span[ref.offset - first : ref.offset - first + ref.length] for ref in refs}


def _packs(bodies: dict[BlobRef, bytes]) -> list[list[BlobRef]]:
    """What is put together: up to LARGEST_PACKED bytes."""
    packs: list[list[BlobRef]] = []
    size = 0
    for ref, body in bodies.items():
        size += len(body)
        if not packs or size > LARGEST_PACKED:
            packs.append([])
            size = len(body)
        packs[-1].append(ref)
    return packs
