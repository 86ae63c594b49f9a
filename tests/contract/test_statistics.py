"""Counters that take each numbered addition of a source once, however it is replayed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

import pytest

from chalicelib.domain.errors import Rejected
from chalicelib.domain.periods import Period
from chalicelib.domain.statistics import KEPT_SECONDS, Addition, Count, Slot
from chalicelib.ports.statistics import Statistics
from tests.contract.conftest import World
from tests.fakes import NOW, a_server_id

MINUTE = NOW // 60 * 60


@pytest.fixture
def statistics(world: World) -> Statistics:
    return world[Statistics]


def a_slot(world: World, start: int = MINUTE, period: Period = Period.MINUTE) -> Slot:
    return Slot(world.server, period, start)


def sent(*sequences: int | str) -> list[Addition]:
    return [Addition(str(each), {Count.SENT: 1}) for each in sequences]


async def counts(
    world: World, statistics: Statistics, period: Period = Period.MINUTE
) -> Mapping[Count, int]:
    """What the one slot has."""
    ((start, found),) = await statistics.read(world.server, period, MINUTE, MINUTE)
    assert start == MINUTE
    return found


async def test_additions_of_a_batch_are_summed(world: World, statistics: Statistics) -> None:
    added = [
        Addition("5", {Count.OUTGOING: 1}),
        Addition("7", {Count.OUTGOING: 1, Count.SENT: 1}),
        Addition("9", {Count.HARD_FAILS: 2}),
    ]
    await statistics.add("a", a_slot(world), added)
    assert await counts(world, statistics) == {
        Count.OUTGOING: 2,
        Count.SENT: 1,
        Count.HARD_FAILS: 2,
    }


@pytest.mark.parametrize("again", [(1, 2, 3), (1,), (2, 3), (3,)])
async def test_what_was_counted_is_not_counted_again(
    world: World, statistics: Statistics, again: Iterable[int]
) -> None:
    await statistics.add("a", a_slot(world), sent(1, 2, 3))
    await statistics.add("a", a_slot(world), sent(*again))
    assert (await counts(world, statistics))[Count.SENT] == 3


async def test_a_replay_that_reaches_further_adds_only_what_is_new(
    world: World, statistics: Statistics
) -> None:
    await statistics.add("a", a_slot(world), sent(1, 2, 3))
    await statistics.add("a", a_slot(world), sent(2, 3, 4, 5))
    assert (await counts(world, statistics))[Count.SENT] == 5


async def test_an_old_batch_that_comes_late_changes_nothing(
    world: World, statistics: Statistics
) -> None:
    await statistics.add("a", a_slot(world), sent(1, 2))
    await statistics.add("a", a_slot(world), sent(3, 4))
    await statistics.add("a", a_slot(world), sent(1, 2))
    assert (await counts(world, statistics))[Count.SENT] == 4


async def test_sources_are_apart_and_summed(world: World, statistics: Statistics) -> None:
    await statistics.add("a", a_slot(world), sent(100, 101))
    await statistics.add("b", a_slot(world), sent(7))
    await statistics.add("b", a_slot(world), sent(7, 100))
    assert (await counts(world, statistics))[Count.SENT] == 4


async def test_numbers_are_compared_as_numbers_of_any_length(
    world: World, statistics: Statistics
) -> None:
    nines = "9" * 40
    await statistics.add("a", a_slot(world), sent("9", "10", "099", nines))
    await statistics.add("a", a_slot(world), sent("11", "000000100", nines))
    await statistics.add("a", a_slot(world), sent("1" + "0" * 40))
    assert (await counts(world, statistics))[Count.SENT] == 5


@pytest.mark.parametrize("wrong", ["", "x", "-1", "1.5", "\u0661", "1" * 1_001, " 1"])
async def test_a_number_that_is_none_is_rejected(
    world: World, statistics: Statistics, wrong: str
) -> None:
    with pytest.raises(Rejected):
        await statistics.add("a", a_slot(world), sent("1", wrong))
    assert await statistics.read(world.server, Period.MINUTE, 0, MINUTE) == []


async def test_no_additions_leave_nothing(world: World, statistics: Statistics) -> None:
    await statistics.add("a", a_slot(world), [])
    assert await statistics.read(world.server, Period.MINUTE, 0, MINUTE) == []


async def test_periods_servers_and_starts_are_apart_and_in_order(
    world: World, statistics: Statistics
) -> None:
    other = a_server_id()
    for slot in (
        *(a_slot(world, MINUTE + 60 * number) for number in (3, 0, 2, 1)),
        a_slot(world, MINUTE, Period.HOUR),
        a_slot(world, MINUTE, Period.DAY),
        Slot(other, Period.MINUTE, MINUTE),
    ):
        await statistics.add("a", slot, sent(1))
    found = await statistics.read(world.server, Period.MINUTE, MINUTE + 60, MINUTE + 120)
    assert [start - MINUTE for start, _ in found] == [60, 120]
    every = await statistics.read(world.server, Period.MINUTE, 0, MINUTE + 9_999)
    assert [start - MINUTE for start, _ in every] == [0, 60, 120, 180]
    assert len(await statistics.read(world.server, Period.HOUR, MINUTE, MINUTE)) == 1
    assert len(await statistics.read(world.server, Period.DAY, MINUTE, MINUTE)) == 1
    assert len(await statistics.read(other, Period.MINUTE, MINUTE, MINUTE)) == 1


async def test_many_servers_at_once(world: World, statistics: Statistics) -> None:
    servers = [a_server_id() for _ in range(40)]
    await asyncio.gather(
        *(statistics.add("a", Slot(each, Period.DAY, 0), sent(1, 2)) for each in servers)
    )
    for each in servers:
        assert await statistics.read(each, Period.DAY, 0, 0) == [(0, {Count.SENT: 2})]


async def test_two_runs_over_the_same_records_at_once_count_them_once(
    world: World, statistics: Statistics
) -> None:
    slot = a_slot(world)
    parts = [sent(*range(1, end)) for end in (4, 11, 7, 11, 2)]
    await asyncio.gather(*(statistics.add("a", slot, part) for part in parts))
    assert (await counts(world, statistics))[Count.SENT] == 10


@pytest.mark.parametrize(("period", "kept"), list(KEPT_SECONDS.items()))
async def test_slots_end_with_their_time(
    world: World, statistics: Statistics, period: Period, kept: int
) -> None:
    for which in (period, Period.DAY):
        await statistics.add("a", a_slot(world, MINUTE, which), sent(1))
    world.clock.advance(MINUTE + kept - 1 - NOW)
    assert await counts(world, statistics, period) == {Count.SENT: 1}
    world.clock.advance(1)
    assert await statistics.read(world.server, period, MINUTE, MINUTE) == []
    assert await counts(world, statistics, Period.DAY) == {Count.SENT: 1}
