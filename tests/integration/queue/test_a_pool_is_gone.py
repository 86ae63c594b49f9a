"""Mail that waits for its time while the pool that it was accepted for is taken away, or cannot be reached."""

from __future__ import annotations

import dataclasses

import pytest

from chalicelib.adapters.scripted.time import ControlledClock
from chalicelib.bootstrap import Posthorn, in_memory
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.model import MessageRecord, Origin
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.numbers import Numbers
from chalicelib.ports.queue import WorkQueue
from chalicelib.services.queue.sweep import PAGE, POOL_MISSING_SECONDS, Sweep
from tests.fakes import NOW, a_message, a_server_id
from tests.queues import DeployedQueue, with_queue


async def make_due(posthorn: Posthorn, pool: str, wake_at: int, number: int = 1) -> MessageRecord:
    message = a_message(a_server_id(), number, origin=Origin(pool, "acme.test", "c"))
    assert await posthorn[MessageStore].create([message]) == [True]
    record = await posthorn[MessageStore].get(message.server_id, message.id)
    later = dataclasses.replace(record, wake_at=wake_at, by_sweeper=True)
    assert await posthorn[MessageStore].replace(record, later)
    return later


async def test_a_pool_without_a_queue_keeps_nobody_else_waiting() -> None:
    posthorn = with_queue(in_memory(), DeployedQueue)
    stranded = [await make_due(posthorn, "gone", NOW - 60, number) for number in range(PAGE + 10)]
    other = await make_due(posthorn, "default", NOW - 1, 5_000)
    swept = await posthorn[Sweep].run()
    assert [one.job.message.id for one in await posthorn[DeployedQueue].receive("default")] == [
        other.message.id
    ]
    assert swept.woken == len(stranded) + 1
    assert await posthorn[MessageStore].due(NOW + POOL_MISSING_SECONDS - 1, 10) == []

    posthorn[DeployedQueue].deploy("gone")
    posthorn[ControlledClock].advance(POOL_MISSING_SECONDS)
    assert (await posthorn[Sweep].run()).woken == len(stranded)
    assert len(await posthorn[DeployedQueue].receive("gone", 1_000)) == len(stranded)


class AwayFor:
    """A queue that is away for one pool."""

    def __init__(self, queue: WorkQueue, pool: str) -> None:
        self._queue = queue
        self._pool = pool

    async def wake(self, queue: str, jobs: list[object], at: float = 0) -> None:
        if queue == self._pool:
            raise TemporaryFailure("The queue is away")
        await self._queue.wake(queue, jobs, at)  # type: ignore[arg-type]  # handed on as it came


async def test_a_queue_that_is_away_is_told_of_after_the_others_were_served() -> None:
    posthorn = with_queue(in_memory(), DeployedQueue)
    posthorn[DeployedQueue].deploy("bulk")
    late = await make_due(posthorn, "bulk", NOW - 60, 1)
    other = await make_due(posthorn, "default", NOW - 1, 2)
    queue: WorkQueue = AwayFor(posthorn[DeployedQueue], "bulk")  # type: ignore[assignment]  # the sweep only sends
    sweep = Sweep(posthorn[ControlledClock], posthorn[MessageStore], queue, posthorn[Numbers])
    with pytest.raises(TemporaryFailure, match="queue is away"):
        await sweep.run()
    assert [one.job.message.id for one in await posthorn[DeployedQueue].receive("default")] == [
        other.message.id
    ]
    assert [one.message.id for one in await posthorn[MessageStore].due(NOW, 10)] == [
        late.message.id
    ]
