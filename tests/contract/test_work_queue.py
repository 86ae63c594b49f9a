"""Wake-ups arrive at least once, after their delay, and stay hidden when told to."""

from __future__ import annotations

import time

import pytest

from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.model import INCOMING_QUEUE, DeliveryJob, PendingOutcome, State
from chalicelib.domain.tenancy.sources import SOURCES, EgressSource
from chalicelib.ports.queue import WorkQueue
from chalicelib.ports.repository import Repository
from tests.contract.conftest import World
from tests.fakes import a_delivery, a_message, a_server_id
from tests.patience import PATIENCE

POOL = "default"


@pytest.fixture
def items(world: World) -> list[DeliveryJob]:
    return [
        DeliveryJob(a_message(world.server, number), number % 3, manual=number == 2)
        for number in range(1, 26)
    ]


async def drain(world: World, count: int) -> dict[int, list[str]]:
    """Receipts by message id, of this test's server, until `count` messages were seen."""
    found: dict[int, list[str]] = {}
    end = time.monotonic() + PATIENCE
    while len(found) < count and time.monotonic() < end:
        for receipt, item in await world.receive(POOL):
            if item.message.server_id == world.server:
                found.setdefault(item.message.id, []).append(receipt)
    return found


@pytest.fixture
async def quiet(world: World) -> None:
    """An empty queue: workers of one process share theirs one test after the other."""
    while await world.receive(POOL, within=0):
        pass


@pytest.mark.usefixtures("quiet")
async def test_every_item_sent_is_received_whole(world: World, items: list[DeliveryJob]) -> None:
    await world[WorkQueue].wake(POOL, items)
    found: dict[int, DeliveryJob] = {}
    while len(found) < len(items):
        received = await world.receive(POOL)
        assert received, "not all items arrived"
        found.update({item.message.id: item for _, item in received})
    assert [found[item.message.id] for item in items] == items


@pytest.mark.usefixtures("quiet")
async def test_a_received_item_is_hidden(world: World, items: list[DeliveryJob]) -> None:
    await world[WorkQueue].wake(POOL, items[:1])
    assert len(await world.receive(POOL)) == 1
    assert await world.receive(POOL, within=0) == []


@pytest.mark.usefixtures("quiet")
async def test_a_delayed_item_arrives_after_its_delay(
    world: World, items: list[DeliveryJob]
) -> None:
    started = time.monotonic()
    await world[WorkQueue].wake(POOL, items[:1], world.clock.now() + 1)
    assert await world.receive(POOL, within=0) == []
    await world.pass_seconds(1)
    assert [item for _, item in await world.receive(POOL)] == items[:1]
    if world.family == "aws":
        assert time.monotonic() - started >= 0.9


@pytest.mark.usefixtures("quiet")
async def test_a_hidden_item_comes_back_when_its_time_is_over(
    world: World, items: list[DeliveryJob]
) -> None:
    await world[WorkQueue].wake(POOL, items[:1])
    ((receipt, _),) = await world.receive(POOL)
    await world[WorkQueue].extend_visibility(POOL, receipt, 1)
    assert await world.receive(POOL, within=0) == []
    await world.pass_seconds(1)
    ((receipt, item),) = await world.receive(POOL)
    assert item == items[0]
    await world[WorkQueue].extend_visibility(POOL, receipt, 0)
    assert [item for _, item in await world.receive(POOL)] == items[:1]


@pytest.mark.usefixtures("quiet")
async def test_a_moment_that_has_passed_is_now(world: World, items: list[DeliveryJob]) -> None:
    await world[WorkQueue].wake(POOL, items[:1], world.clock.now() - 5_000)
    assert [item for _, item in await world.receive(POOL)] == items[:1]


@pytest.mark.usefixtures("quiet")
async def test_a_moment_too_far_ahead_is_brought_forward(
    world: World, items: list[DeliveryJob]
) -> None:
    await world[WorkQueue].wake(
        POOL, items[:1], world.clock.now() + 10 * world[WorkQueue].longest_wait
    )
    assert await world.receive(POOL, within=0) == []
    if world.family == "sqlite":
        await world.pass_seconds(world[WorkQueue].longest_wait)
        assert [item for _, item in await world.receive(POOL)] == items[:1]


@pytest.mark.usefixtures("quiet")
async def test_no_job_is_kept_longer_than_the_queue_allows(
    world: World, items: list[DeliveryJob]
) -> None:
    await world[WorkQueue].wake(POOL, items[:1])
    ((receipt, _),) = await world.receive(POOL)
    await world[WorkQueue].extend_visibility(POOL, receipt, 10**6)
    assert await world.receive(POOL, within=0) == []


@pytest.mark.usefixtures("quiet")
async def test_what_is_due_before_a_moment_is_counted(
    world: World, items: list[DeliveryJob]
) -> None:
    queue = world[WorkQueue]
    assert await queue.ahead(POOL, world.clock.now()) == 0
    await queue.wake(POOL, items[:5])
    await queue.wake(POOL, items[5:7], world.clock.now() + 600)
    await world.pass_seconds(2)
    await queue.wake(POOL, items[7:8])
    end = time.monotonic() + PATIENCE
    while (count := await queue.ahead(POOL, world.clock.now() - 1)) < 5:
        assert time.monotonic() < end, count
    assert count == 5


async def test_a_receipt_that_is_not_good_is_a_temporary_failure(world: World) -> None:
    with pytest.raises(TemporaryFailure):
        await world[WorkQueue].extend_visibility(POOL, "0:0", 10)


async def test_sending_nothing_is_nothing(world: World) -> None:
    assert await world[WorkQueue].wake(POOL, []) is None  # type: ignore[func-returns-value]


async def test_a_pool_without_a_queue_takes_nothing_and_tells_the_client_to_wait(
    world: World, items: list[DeliveryJob]
) -> None:
    pool = f"pool-{a_server_id()}"
    with pytest.raises(TemporaryFailure) as failed:
        await world[WorkQueue].wake(pool, items[:1])
    assert failed.value.public == (
        "Mail of this server cannot be queued at the moment, try again later"
    )
    assert failed.value.fields["pool"] == pool


async def test_incoming_mail_has_a_queue_that_is_no_pool(
    world: World, items: list[DeliveryJob]
) -> None:
    await world[WorkQueue].wake(INCOMING_QUEUE, items[:1])
    receipts = {}
    while not receipts:
        got = await world.receive(INCOMING_QUEUE)
        receipts = {one: job for one, job in got if job.message.server_id == world.server}
    assert list(receipts.values()) == items[:1]
    await world[WorkQueue].extend_visibility(INCOMING_QUEUE, next(iter(receipts)), 600)
    assert INCOMING_QUEUE not in await world[WorkQueue].pools()


async def test_the_pools_are_those_that_have_a_queue(world: World) -> None:
    found = await world[WorkQueue].pools()
    assert POOL in found
    assert f"pool-{a_server_id()}" not in found
    if world.family == "sqlite":
        for pool in ("bulk", "another"):
            await world[Repository].add(SOURCES, EgressSource("own", pool))
        assert await world[WorkQueue].pools() == ("another", "bulk", POOL)


@pytest.mark.usefixtures("quiet")
async def test_jobs_that_say_more_are_looked_at_and_stay(
    world: World, items: list[DeliveryJob]
) -> None:
    outcome = PendingOutcome("me", State.DONE, 0, 0, False, None, a_delivery(1))
    ended = DeliveryJob(a_message(world.server, 50), 0, outcome=outcome)
    await world[WorkQueue].wake(POOL, [*items, ended])
    for _ in range(2):
        found = await world[WorkQueue].marked(POOL)
        ours = [job for job in found if job.message.server_id == world.server]
        assert sorted(ours, key=lambda job: job.message.id) == [items[1], ended]
    assert len(await drain(world, len(items) + 1)) == len(items) + 1
