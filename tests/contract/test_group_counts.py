"""Counters of groups that take each numbered addition of a source once, however they are folded meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

import pytest

from chalicelib.domain.durations import DAY, HOUR
from chalicelib.domain.errors import Rejected
from chalicelib.domain.groups import (
    HOURS_KEPT,
    MOST_VALUES,
    OTHERS,
    Dimension,
    Group,
    GroupAddition,
)
from chalicelib.domain.periods import Period
from chalicelib.domain.statistics import Count, Counts, totals
from chalicelib.ports.group_counts import GroupCounts, Span
from tests.contract.conftest import World
from tests.fakes import NOW, a_server_id

HOUR_NOW = NOW // HOUR * HOUR
DAY_NOW = NOW // DAY * DAY
GMAIL = ((Dimension.TAG, "welcome"), (Dimension.DOMAIN, "gmail.com"))
WEB = ((Dimension.TAG, ""), (Dimension.DOMAIN, "web.de"))
SENT = {Count.SENT: 1, "t40": 1}


@pytest.fixture
def groups(world: World) -> GroupCounts:
    return world[GroupCounts]


def sent(
    *sequences: int | str, groups: tuple[Group, ...] = GMAIL, hour: int = HOUR_NOW
) -> list[GroupAddition]:
    return [GroupAddition(str(each), hour, groups, SENT) for each in sequences]


def hours(first: int = HOUR_NOW, last: int = HOUR_NOW) -> Span:
    return Span(Period.HOUR, first, last, 1_000 * DAY)


def days(first: int = DAY_NOW, last: int = DAY_NOW, width: int = 1_000 * DAY) -> Span:
    return Span(Period.DAY, first, last, width)


async def counted(
    world: World, dimension: Dimension = Dimension.TAG, span: Span | None = None
) -> Mapping[str, Counts]:
    """All that a span has of each value."""
    found = await world[GroupCounts].read(world.server, dimension, span or hours())
    return {value: totals(parts.values()) for value, parts in found.items()}


async def fold(world: World) -> None:
    """Everything, once it has waited for long enough."""
    world.clock.advance(7 * HOUR)
    while await world[GroupCounts].fold(world.server):
        pass
    world.clock.advance(-7 * HOUR)


async def test_what_is_added_is_read_by_dimension_and_value(
    world: World, groups: GroupCounts
) -> None:
    await groups.add("a", world.server, [*sent(5, 7), *sent(9, groups=WEB)])
    twice = {Count.SENT: 2, "t40": 2}
    for _ in range(2):
        assert await counted(world) == {"welcome": twice, "": SENT}
        assert await counted(world, Dimension.DOMAIN) == {"gmail.com": twice, "web.de": SENT}
        assert await counted(world, Dimension.DOMAIN, days()) == {
            "gmail.com": twice,
            "web.de": SENT,
        }
        one = await groups.read(world.server, Dimension.DOMAIN, hours(), "web.de")
        assert one == {"web.de": {HOUR_NOW: SENT}}
        assert await counted(world, Dimension.STREAM) == {}
        await fold(world)


@pytest.mark.parametrize("again", [(1, 2, 3), (1,), (2, 3), (3,)])
@pytest.mark.parametrize("folded", [False, True])
async def test_what_was_counted_is_not_counted_again(
    world: World, groups: GroupCounts, again: Iterable[int], folded: bool
) -> None:
    await groups.add("a", world.server, sent(1, 2, 3))
    if folded:
        await fold(world)
    await groups.add("a", world.server, sent(*again))
    await groups.add("a", world.server, sent(*again, 4))
    assert (await counted(world))["welcome"][Count.SENT] == 4


async def test_sources_are_apart_and_summed(world: World, groups: GroupCounts) -> None:
    await groups.add("a", world.server, sent(100, 101))
    await groups.add("b", world.server, sent(7))
    await groups.add("b", world.server, sent(7, 100))
    assert (await counted(world))["welcome"][Count.SENT] == 4


async def test_what_has_one_number_comes_together(world: World, groups: GroupCounts) -> None:
    together = [*sent(1), *sent(1, groups=WEB), *sent(1, hour=HOUR_NOW - HOUR)]
    await groups.add("a", world.server, together)
    await groups.add("a", world.server, together)
    assert await counted(world) == {"welcome": SENT, "": SENT}


@pytest.mark.parametrize("wrong", ["", "x", "-1", "1.5", "1" * 1_001, " 1"])
async def test_a_number_that_is_none_is_rejected(
    world: World, groups: GroupCounts, wrong: str
) -> None:
    with pytest.raises(Rejected):
        await groups.add("a", world.server, sent("1", wrong))
    assert await counted(world) == {}


async def test_numbers_are_compared_as_numbers_of_any_length(
    world: World, groups: GroupCounts
) -> None:
    nines = "9" * 40
    await groups.add("a", world.server, sent("9", "10", "099", nines))
    await groups.add("a", world.server, sent("11", "000000100", nines))
    await groups.add("a", world.server, sent("1" + "0" * 40))
    assert (await counted(world))["welcome"][Count.SENT] == 5


async def test_hours_and_days_are_told_apart_in_parts(world: World, groups: GroupCounts) -> None:
    for number, hour in enumerate((DAY_NOW - 2 * DAY, DAY_NOW, DAY_NOW + HOUR, DAY_NOW + DAY)):
        await groups.add("a", world.server, sent(number + 1, hour=hour))
    twice = {Count.SENT: 2, "t40": 2}
    for _ in range(2):
        found = await groups.read(
            world.server, Dimension.TAG, days(DAY_NOW - 2 * DAY, DAY_NOW, DAY)
        )
        assert found == {"welcome": {DAY_NOW - 2 * DAY: SENT, DAY_NOW: twice}}
        span = Span(Period.HOUR, DAY_NOW, DAY_NOW + HOUR, HOUR)
        found = await groups.read(world.server, Dimension.TAG, span)
        assert found == {"welcome": {DAY_NOW: SENT, DAY_NOW + HOUR: SENT}}
        await fold(world)


async def test_hours_end_and_days_stay(world: World, groups: GroupCounts) -> None:
    await groups.add("a", world.server, sent(1))
    await fold(world)
    world.clock.advance(HOUR_NOW + HOURS_KEPT * DAY - 1 - world.clock.now())
    assert await counted(world) == {"welcome": SENT}
    world.clock.advance(1)
    assert await counted(world) == {}
    assert await counted(world, span=days()) == {"welcome": SENT}


async def test_no_additions_leave_nothing_and_servers_are_apart(
    world: World, groups: GroupCounts
) -> None:
    await groups.add("a", world.server, [])
    await groups.add("a", a_server_id(), sent(1))
    assert await counted(world) == {}
    assert await groups.fold(world.server) == 0


async def test_what_comes_too_late_on_a_day_counts_together(
    world: World, groups: GroupCounts
) -> None:
    many = 3 * MOST_VALUES
    for start in range(0, many, 500):
        added = [
            GroupAddition(str(n + 1), HOUR_NOW, ((Dimension.TAG, f"tag-{n}"),), {Count.SENT: 1})
            for n in range(start, start + 500)
        ]
        await groups.add("a", world.server, added)
    await fold(world)
    # Those that are known still count by themselves.
    first = GroupAddition(str(many + 1), HOUR_NOW, ((Dimension.TAG, "tag-0"),), {Count.SENT: 1})
    await groups.add("a", world.server, [first])
    for span in (hours(), days()):
        found = await counted(world, span=span)
        assert sum(one[Count.SENT] for one in found.values()) == many + 1
        assert MOST_VALUES / 2 < len(found) <= MOST_VALUES + 1
        assert found["tag-0"] == {Count.SENT: 2}
        assert found[OTHERS][Count.SENT] >= many - MOST_VALUES


async def test_two_runs_over_the_same_records_at_once_count_them_once(
    world: World, groups: GroupCounts
) -> None:
    parts = [sent(*range(1, end)) for end in (4, 11, 7, 11, 2)]
    await asyncio.gather(*(groups.add("a", world.server, part) for part in parts))
    assert (await counted(world))["welcome"][Count.SENT] == 10


async def test_folding_at_the_same_time_counts_nothing_twice(
    world: World, groups: GroupCounts
) -> None:
    for source in "abcdefgh":
        for number in range(1, 4):
            added = sent(number, groups=GMAIL[:1])
            for n in range(20):
                domain = (Dimension.DOMAIN, f"{source}{number}{n}.example")
                added += sent(number, groups=(domain,))
            await groups.add(source, world.server, added)
    world.clock.advance(7 * HOUR)

    async def more() -> None:
        for number in range(4, 8):
            await groups.add("a", world.server, sent(number))

    for _ in range(4):
        await asyncio.gather(*(groups.fold(world.server) for _ in range(3)), more())
    assert (await counted(world))["welcome"][Count.SENT] == 28
    found = await counted(world, Dimension.DOMAIN)
    assert all(one == SENT for value, one in found.items() if value != "gmail.com")
    assert len(found) == 24 * 20 + 1
