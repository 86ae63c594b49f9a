"""Accepted mail made durable by three stores in turn: bodies, then wake-ups, then records (crash rule 1)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from chalicelib.domain.model import DeliveryJob, Message
from chalicelib.ports.blobs import BlobStore
from chalicelib.ports.intake import LARGEST_PACKED, Intake, Mail
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
        placed: dict[int, tuple[Message, ...]] = {}
        with_body = [(number, mail) for number, mail in enumerate(batch) if mail.body is not None]
        packs = await asyncio.gather(*(self._put(pack, now) for pack in _packs(with_body)))
        for pack in packs:
            placed |= pack
        mails = [placed.get(number, mail.messages) for number, mail in enumerate(batch)]
        messages = [message for mail in mails for message in mail]
        by_pool: dict[str, list[DeliveryJob]] = {}
        for message in messages:
            by_pool.setdefault(message.origin.pool, []).append(DeliveryJob(message, 0))
        await asyncio.gather(*(self._queue.wake(pool, jobs) for pool, jobs in by_pool.items()))
        created = iter(await self._messages.create(messages))
        return [tuple((message, next(created)) for message in mail) for mail in mails]

    async def _put(
        self, pack: Sequence[tuple[int, Mail]], now: float
    ) -> dict[int, tuple[Message, ...]]:
        bodies = [mail.body or b"" for _, mail in pack]
        refs = await self._blobs.put(pack[0][1].messages[0].server_id, bodies, now)
        return {
            number: tuple(replace(message, blob=ref) for message in mail.messages)
            for (number, mail), ref in zip(pack, refs, strict=True)
        }


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
        server = mail.messages[0].server_id
        pack, used = open_packs.get(server, ([], 0))
        if pack and used + size > LARGEST_PACK:
            pack, used = [], 0
        if not pack:
            packs.append(pack)
        pack.append((number, mail))
        open_packs[server] = (pack, used + size)
    return packs
