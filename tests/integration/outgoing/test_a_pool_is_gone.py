"""Mail that waits for its time while the pool that it was accepted for is taken away, or cannot be reached."""

from __future__ import annotations

import dataclasses

import pytest

from chalicelib.adapters.memory import ControlledClock, MemoryWorld
from chalicelib.bootstrap import in_memory
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.model import MessageRecord
from chalicelib.ports.queue import WorkQueue
from chalicelib.services.retry_due import PAGE, POOL_MISSING_SECONDS, RetryDue
from tests.fakes import NOW, a_message, a_server_id


async def make_due(world: MemoryWorld, pool: str, wake_at: int, number: int = 1) -> MessageRecord:
    message = a_message(a_server_id(), number, pool=pool)
    assert await world.messages.create([message]) == [True]
    record = await world.messages.get(message.server_id, message.id)
    later = dataclasses.replace(record, wake_at=wake_at, in_due_index=True)
    assert await world.messages.replace(record, later)
    return later


async def test_a_pool_without_a_queue_keeps_nobody_else_waiting() -> None:
    world = MemoryWorld(ControlledClock(NOW))
    posthorn = in_memory(world=world)
    stranded = [await make_due(world, "gone", NOW - 60, number) for number in range(PAGE + 10)]
    other = await make_due(world, "default", NOW - 1, 5_000)
    swept = await posthorn.retry_due.run()
    assert [one.item.message.id for one in await world.queue.receive("default")] == [
        other.message.id
    ]
    assert swept.woken == len(stranded) + 1
    assert await world.messages.due(NOW + POOL_MISSING_SECONDS - 1, 10) == []

    world.queue.deploy("gone")
    world.clock.advance(POOL_MISSING_SECONDS)
    assert (await posthorn.retry_due.run()).woken == len(stranded)
    assert len(await world.queue.receive("gone", 1_000)) == len(stranded)


class AwayFor:
    """A queue that is away for one pool."""

    def __init__(self, queue: WorkQueue, pool: str) -> None:
        self._queue = queue
        self._pool = pool

    async def send(self, pool: str, items: list[object], delay: int = 0) -> None:
        if pool == self._pool:
            raise TemporaryFailure("The queue is away")
        await self._queue.send(pool, items, delay)  # type: ignore[arg-type]  # handed on as it came


async def test_a_queue_that_is_away_is_told_of_after_the_others_were_served() -> None:
    world = MemoryWorld(ControlledClock(NOW))
    world.queue.deploy("bulk")
    late = await make_due(world, "bulk", NOW - 60, 1)
    other = await make_due(world, "default", NOW - 1, 2)
    queue: WorkQueue = AwayFor(world.queue, "bulk")  # type: ignore[assignment]  # the sweep only sends
    sweep = RetryDue(world.clock, world.messages, queue, world.numbers)
    with pytest.raises(TemporaryFailure, match="queue is away"):
        await sweep.run()
    assert [one.item.message.id for one in await world.queue.receive("default")] == [
        other.message.id
    ]
    assert [one.message.id for one in await world.messages.due(NOW, 10)] == [late.message.id]
