"""The queue in memory hands jobs out again until they are deleted; an unruly one doubles and shuffles them."""

from __future__ import annotations

from chalicelib.adapters.scripted.time import ControlledClock
from chalicelib.adapters.sqlite.queue import SqliteWorkQueue
from chalicelib.bootstrap import in_memory
from chalicelib.config import Settings
from chalicelib.domain.numbering import ServerId
from tests.fakes import a_job, a_message
from tests.queues import UnrulyQueue, depth, next_visible_at


async def test_a_queue_duplicates_and_reorders_when_asked() -> None:
    queue = in_memory()[UnrulyQueue]
    items = [a_job(a_message(ServerId(1), number)) for number in range(1, 41)]
    queue.duplicate = 0.5
    await queue.wake("default", items)
    received = await queue.receive("default", 100)
    numbers = [one.job.message.id for one in received]
    assert 50 < len(numbers) < 75
    assert set(numbers) == set(range(1, 41))
    assert numbers != sorted(numbers)


async def test_a_received_item_comes_back_until_it_is_deleted() -> None:
    posthorn = in_memory(Settings(visibility_seconds=30))
    clock, queue = posthorn[ControlledClock], posthorn[SqliteWorkQueue]
    await queue.wake("default", [a_job(a_message(ServerId(1), 1))])
    (first,) = await queue.receive("default")
    assert await queue.receive("default") == []
    assert next_visible_at(posthorn) == clock.now() + 30
    clock.advance(30)
    (second,) = await queue.receive("default")
    assert (first.receive_count, second.receive_count) == (1, 2)
    await queue.delete([first.receipt])  # an old receipt no longer deletes
    assert depth(posthorn) == 1
    await queue.delete([second.receipt])
    assert (depth(posthorn), next_visible_at(posthorn)) == (0, None)
