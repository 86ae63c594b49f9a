"""Making accepted mail durable: bodies, then wake-ups, then records (crash rule 1).

When `StoreMail.store` returns, each message is delivered sooner or later even if this process dies at once. When it
raises, nothing was promised; a message may still go out, which a client that tries again sees as a duplicate (RFC
1047).
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from typing import Any

from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.model import DeliveryJob, Message
from chalicelib.domain.tenancy.entities import ServerId
from chalicelib.ports.blobs import BlobStore
from chalicelib.ports.clock import Clock
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.queue import WorkQueue
from chalicelib.services.outgoing.numbers import MessageNumbers
from chalicelib.services.outgoing.submission import Prepared

LARGEST_PACK = 8 * 1024 * 1024
# A larger body gets an object of its own, so that a client can fetch it by a link, which always names a whole object.
LARGEST_PACKED = 1_000_000


class StoreMail:
    """Stores batches of prepared messages."""

    def __init__(
        self,
        clock: Clock,
        numbers: MessageNumbers,
        blobs: BlobStore,
        queue: WorkQueue,
        messages: MessageStore,
    ) -> None:
        self._clock = clock
        self._numbers = numbers
        self._blobs = blobs
        self._queue = queue
        self._messages = messages

    async def store(self, batch: Sequence[Prepared]) -> None:
        """Make a batch durable and give it its messages. Raises TemporaryFailure."""
        batch = [prepared for prepared in batch if prepared.recipients]
        await _gather([self._put_blobs(pack) for pack in _packs(batch)])
        messages = [message for prepared in batch for message in prepared.messages]
        collided = await self._queue_and_create(messages)
        if collided:
            again = await self._renumber(batch, collided)
            if await self._queue_and_create(again):
                raise TemporaryFailure("Message numbers collide, try again later")

    async def _put_blobs(self, pack: list[Prepared]) -> None:
        server = _server_of(pack[0])
        refs = await self._blobs.put(server, [item.body for item in pack], self._clock.now())
        for prepared, ref in zip(pack, refs, strict=True):
            prepared.messages = tuple(replace(message, blob=ref) for message in prepared.messages)

    async def _queue_and_create(self, messages: list[Message]) -> list[Message]:
        """Wake-ups first, then records; returns the messages whose id belongs to another message."""
        by_pool: dict[str, list[DeliveryJob]] = {}
        for message in messages:
            by_pool.setdefault(message.origin.pool, []).append(DeliveryJob(message, 0))
        await _gather([self._queue.wake(pool, items) for pool, items in by_pool.items()])
        created = await self._messages.create(messages)
        return [item for item, stored in zip(messages, created, strict=True) if not stored]

    async def _renumber(self, batch: Sequence[Prepared], collided: list[Message]) -> list[Message]:
        """Give messages whose id belonged to another a new one; returns them renewed.

        Their first wake-ups die at the claim, because the token differs (crash rule 2).
        """
        renewed: dict[str, Message] = {}
        for message in collided:
            [(number, token)] = await self._numbers.take(message.server_id, 1)
            renewed[message.token] = replace(message, id=number, token=token)
        for prepared in batch:
            prepared.messages = tuple(renewed.get(item.token, item) for item in prepared.messages)
        return list(renewed.values())


async def _gather(work: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Run coroutines at the same time; a single one without the price of a task."""
    if len(work) == 1:
        await work[0]
    else:
        await asyncio.gather(*work)


def _server_of(prepared: Prepared) -> ServerId:
    return prepared.messages[0].server_id


def _packs(batch: Sequence[Prepared]) -> list[list[Prepared]]:
    """Groups of one server whose bodies share a stored object, each at most LARGEST_PACK. A body of more than
    LARGEST_PACKED is alone."""
    packs: list[list[Prepared]] = []
    open_packs: dict[ServerId, tuple[list[Prepared], int]] = {}
    for prepared in batch:
        size = len(prepared.body)
        if size > LARGEST_PACKED:
            packs.append([prepared])
            continue
        server = _server_of(prepared)
        pack, used = open_packs.get(server, ([], 0))
        if pack and used + size > LARGEST_PACK:
            pack, used = [], 0
        if not pack:
            packs.append(pack)
        pack.append(prepared)
        open_packs[server] = (pack, used + size)
    return packs
