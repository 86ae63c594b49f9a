"""Wake-ups arrive at least once, after their delay, and stay hidden when told to."""

from __future__ import annotations

import time

import pytest

from chalicelib.adapters.memory.queue import MemoryWorkQueue
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.model import WorkItem
from chalicelib.ports.queue import WorkQueue
from tests.contract.conftest import World
from tests.fakes import a_message, a_server_id
from tests.patience import PATIENCE

POOL = "default"


@pytest.fixture
def items(world: World) -> list[WorkItem]:
    return [
        WorkItem(a_message(world.server, number), number % 3, manual=number == 2)
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
async def test_every_item_sent_is_received_whole(world: World, items: list[WorkItem]) -> None:
    await world[WorkQueue].send(POOL, items)
    found: dict[int, WorkItem] = {}
    while len(found) < len(items):
        received = await world.receive(POOL)
        assert received, "not all items arrived"
        found.update({item.message.id: item for _, item in received})
    assert [found[item.message.id] for item in items] == items


@pytest.mark.usefixtures("quiet")
async def test_a_received_item_is_hidden(world: World, items: list[WorkItem]) -> None:
    await world[WorkQueue].send(POOL, items[:1])
    assert len(await world.receive(POOL)) == 1
    assert await world.receive(POOL, within=0) == []


@pytest.mark.usefixtures("quiet")
async def test_a_delayed_item_arrives_after_its_delay(world: World, items: list[WorkItem]) -> None:
    started = time.monotonic()
    await world[WorkQueue].send(POOL, items[:1], delay=1)
    assert await world.receive(POOL, within=0) == []
    await world.pass_seconds(1)
    assert [item for _, item in await world.receive(POOL)] == items[:1]
    if world.family != "memory":
        assert time.monotonic() - started >= 0.9


@pytest.mark.usefixtures("quiet")
async def test_a_hidden_item_comes_back_when_its_time_is_over(
    world: World, items: list[WorkItem]
) -> None:
    await world[WorkQueue].send(POOL, items[:1])
    ((receipt, _),) = await world.receive(POOL)
    await world[WorkQueue].hide(POOL, receipt, 1)
    assert await world.receive(POOL, within=0) == []
    await world.pass_seconds(1)
    ((receipt, item),) = await world.receive(POOL)
    assert item == items[0]
    await world[WorkQueue].hide(POOL, receipt, 0)
    assert [item for _, item in await world.receive(POOL)] == items[:1]


@pytest.mark.parametrize("delay", [-1, 901])
async def test_a_delay_out_of_range_is_a_mistake(
    world: World, items: list[WorkItem], delay: int
) -> None:
    with pytest.raises(ValueError, match="900"):
        await world[WorkQueue].send(POOL, items[:1], delay=delay)


async def test_a_hiding_out_of_range_is_a_mistake(world: World) -> None:
    with pytest.raises(ValueError, match="43200"):
        await world[WorkQueue].hide(POOL, "1:1", 43_201)


async def test_a_receipt_that_is_not_good_is_a_temporary_failure(world: World) -> None:
    with pytest.raises(TemporaryFailure):
        await world[WorkQueue].hide(POOL, "0:0", 10)


async def test_sending_nothing_is_nothing(world: World) -> None:
    assert await world[WorkQueue].send(POOL, []) is None  # type: ignore[func-returns-value]


async def test_a_pool_without_a_queue_takes_nothing_and_tells_the_client_to_wait(
    world: World, items: list[WorkItem]
) -> None:
    pool = f"pool-{a_server_id()}"
    with pytest.raises(TemporaryFailure) as failed:
        await world[WorkQueue].send(pool, items[:1])
    assert failed.value.public == (
        "Mail of this server cannot be queued at the moment, try again later"
    )
    assert failed.value.fields["pool"] == pool


async def test_the_pools_are_those_that_have_a_queue(world: World) -> None:
    found = await world[WorkQueue].pools()
    assert POOL in found
    assert f"pool-{a_server_id()}" not in found
    if world.family == "memory":
        world[MemoryWorkQueue].deploy("bulk", "another")
        assert await world[WorkQueue].pools() == ("another", "bulk", POOL)
