"""Accepted mail made durable by three stores in turn: bodies, then wake-ups, then records (crash rule 1)."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any

from chalicelib.domain.model import BlobRef, DeliveryJob, Message
from chalicelib.ports.blobs import BlobStore
from chalicelib.ports.intake import LARGEST_PACKED, NOT_STORED, Intake, Mail
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.queue import WorkQueue

LARGEST_PACK = 8 * 1024 * 1024


class OrderedIntake(Intake):
    """The `Intake` port over blobs, queue and messages."""

    def __init__(self, blobs: BlobStore, queue: WorkQueue, messages: MessageStore) -> None:
        self._blobs = blobs
        self._queue = queue
        self._messages = messages

    async def store(
        self, batch: Sequence[Mail], now: float
    ) -> list[tuple[tuple[Message, bool], ...]]:
        """Bodies of one server share an object; wake-ups of one pool go together."""
        places: dict[int, BlobRef] = {}
        with_body = [(number, mail) for number, mail in enumerate(batch) if mail.body is not None]
        await _gather([self._put(pack, places, now) for pack in _packs(with_body)])
        mails = [
            mail.messages_at(places.get(number, NOT_STORED)) for number, mail in enumerate(batch)
        ]
        messages = [message for mail in mails for message in mail]
        by_pool: dict[str, list[DeliveryJob]] = {}
        for message in messages:
            if message.scheduled_at is not None:
                continue  # its record is due then: the sweeper wakes it
            by_pool.setdefault(message.origin.pool, []).append(DeliveryJob(message, 0))
        await _gather([self._queue.wake(pool, jobs) for pool, jobs in by_pool.items()])
        created = iter(await self._messages.create(messages))
        return [tuple((message, next(created)) for message in mail) for mail in mails]

    async def _put(
        self, pack: Sequence[tuple[int, Mail]], places: dict[int, BlobRef], now: float
    ) -> None:
        bodies = [mail.body or b"" for _, mail in pack]
        refs = await self._blobs.put(pack[0][1].server_id, bodies, now)
        places |= {number: ref for (number, _), ref in zip(pack, refs, strict=True)}


async def _gather(work: Sequence[Coroutine[Any, Any, None]]) -> None:
    """All at the same time; the usual one without a task of its own."""
    if len(work) == 1:
        await work[0]
    elif work:
        await asyncio.gather(*work)


def _packs(mails: Sequence[tuple[int, Mail]]) -> list[list[tuple[int, Mail]]]:
    """Groups of one server whose bodies share a stored object, each at most LARGEST_PACK. A body of more than
    LARGEST_PACKED is alone."""
    packs: list[list[tuple[int, Mail]]] = []
    open_packs: dict[int, tuple[list[tuple[int, Mail]], int]] = {}
    for number, mail in mails:
        size = len(mail.body or b"")
        if size > LARGEST_PACKED:
            packs.append([(number, mail)])
            continue
        pack, used = open_packs.get(mail.server_id, ([], 0))
        if pack and used + size > LARGEST_PACK:
            pack, used = [], 0
        if not pack:
            packs.append(pack)
        pack.append((number, mail))
        open_packs[mail.server_id] = (pack, used + size)
    return packs
