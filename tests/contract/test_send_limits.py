"""Places in the windows of limits, and the lines of what limits hold."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from chalicelib.domain.limits.limit import Limit, LimitOwner, Line, OwnerKind, RateLine, Standing
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.tenancy.rate_limits import Rate
from chalicelib.domain.tenancy.send_limits import Period
from chalicelib.ports.limit_lines import LimitLines
from chalicelib.ports.send_limits import SendLimits
from tests.contract.conftest import World
from tests.fakes import NOW, a_server_id

MINUTE, HOUR, DAY = 60, 3_600, 86_400
START = NOW - NOW % 1_800


def an_owner(kind: OwnerKind = OwnerKind.SERVER) -> LimitOwner:
    return LimitOwner(kind, a_server_id(), "kabc" if kind is OwnerKind.CREDENTIAL else "")


def a_limit(most: int, period: Period = Period.HOUR, owner: LimitOwner | None = None) -> Limit:
    return Limit(owner or an_owner(), period, most)


async def used(world: World, *limits: Limit, now: float) -> list[int]:
    return [one.used for one in await world[SendLimits].usages(limits, now)]


async def test_places_are_taken_until_there_are_none(world: World) -> None:
    limit = a_limit(3)
    for number in (1, 2, 3):
        took = await world[SendLimits].take([limit], 1, START)
        assert (took.full, [one.used for one in took.usages]) == (None, [number])
    took = await world[SendLimits].take([limit], 1, START + 59)
    assert took.full == limit
    assert took.free_at == START + 61 * MINUTE
    assert await used(world, limit, now=START + 59) == [3]


async def test_no_sixty_minutes_ever_have_more(world: World) -> None:
    """Two at the end of one minute: their places come free in the minute after the hour."""
    limit, end = a_limit(2), START + 59
    for _ in range(2):
        assert (await world[SendLimits].take([limit], 1, end)).full is None
    assert (await world[SendLimits].take([limit], 1, end + HOUR)).full == limit
    assert (await world[SendLimits].take([limit], 2, end + HOUR + 2)).full is None


async def test_a_day_rolls_by_half_hours(world: World) -> None:
    limit = a_limit(2, Period.DAY)
    assert (await world[SendLimits].take([limit], 2, START)).full is None
    took = await world[SendLimits].take([limit], 1, START + DAY)
    assert (took.full, took.free_at) == (limit, START + DAY + 1_800)
    assert (await world[SendLimits].take([limit], 2, START + DAY + 1_800)).full is None


async def test_a_month_is_that_of_the_calendar_in_utc(world: World) -> None:
    limit, end_of_march = (
        a_limit(1, Period.MONTH),
        1_774_915_199,
    )  # 2026-03-31T23:59:59Z, a second before April
    end_of_march = 1_775_001_599
    assert (await world[SendLimits].take([limit], 1, end_of_march)).full is None
    took = await world[SendLimits].take([limit], 1, end_of_march)
    assert (took.full, took.free_at) == (limit, end_of_march + 1)
    assert (await world[SendLimits].take([limit], 1, end_of_march + 1)).full is None


async def test_all_limits_give_a_place_or_none_does(world: World) -> None:
    server = an_owner()
    limits = [
        a_limit(9, owner=replace(server, kind=OwnerKind.CREDENTIAL, credential="kabc")),
        a_limit(9, owner=server),
        a_limit(9, Period.DAY, server),
        a_limit(2, Period.MONTH, server),
        a_limit(1, Period.DAY, an_owner(OwnerKind.ORGANIZATION)),
    ]
    assert (await world[SendLimits].take(limits, 1, START)).full is None
    assert await used(world, *limits, now=START) == [1] * 5
    assert (await world[SendLimits].take(limits, 1, START)).full == limits[-1]
    assert (await world[SendLimits].take(limits[:4], 2, START)).full == limits[3]
    assert await used(world, *limits, now=START) == [1] * 5


async def test_several_places_are_given_whole_or_not_at_all(world: World) -> None:
    limit = a_limit(5)
    assert (await world[SendLimits].take([limit], 3, START)).full is None
    assert (await world[SendLimits].take([limit], 3, START)).full == limit
    assert (await world[SendLimits].take([limit], 2, START)).full is None
    # What never has room is told the moment at which most is free.
    took = await world[SendLimits].take([limit], 6, START)
    assert (took.full, took.free_at) == (limit, START + 61 * MINUTE)


async def test_many_at_once_get_exactly_what_there_is(world: World) -> None:
    organization = an_owner(OwnerKind.ORGANIZATION)
    shared = a_limit(17, owner=organization)
    servers = [a_limit(8), a_limit(8), a_limit(8)]
    took = await asyncio.gather(
        *(world[SendLimits].take([one, shared], 1, START) for one in servers * 10)
    )
    given = sum(one.full is None for one in took)
    counted = await used(world, *servers, shared, now=START)
    # On AWS one that asked its server first may have kept another out for the moment before it gave its place back.
    assert given <= 17
    assert counted[-1] == given == sum(counted[:3])
    assert all(one <= 8 for one in counted[:3])


async def test_a_place_that_is_given_back_is_free(world: World) -> None:
    limit = a_limit(2)
    for _ in range(2):
        await world[SendLimits].take([limit], 1, START)
    await asyncio.gather(*(world[SendLimits].give_back([limit], 1, START) for _ in range(2)))
    assert await used(world, limit, now=START) == [0]
    # There is nothing more to give back, nor of a window that has gone on.
    await world[SendLimits].give_back([limit], 1, START)
    await world[SendLimits].take([limit], 1, START + 2 * HOUR)
    await world[SendLimits].give_back([limit], 1, START)
    assert await used(world, limit, now=START + 2 * HOUR) == [1]


async def test_windows_go_on_while_many_count(world: World) -> None:
    limit = a_limit(1_000)
    for minute in range(0, 130, 13):
        await asyncio.gather(
            *(world[SendLimits].take([limit], 1, START + minute * MINUTE) for _ in range(5))
        )
    # Of the latest hour there are five rounds: 117, 104, 91, 78, 65 (and 57 to 117 is 61 minutes).
    assert await used(world, limit, now=START + 117 * MINUTE) == [25]
    assert await used(world, limit, now=START + 300 * MINUTE) == [0]


async def test_a_limit_that_is_added_counts_from_then_on(world: World) -> None:
    owner = an_owner()
    hour, month = a_limit(5, owner=owner), a_limit(2, Period.MONTH, owner)
    assert (await world[SendLimits].take([hour], 1, START)).full is None
    for _ in range(2):
        assert (await world[SendLimits].take([hour, month], 1, START)).full is None
    assert (await world[SendLimits].take([hour, month], 1, START)).full == month
    await world[SendLimits].forget(owner)
    assert await used(world, hour, month, now=START) == [0, 0]


def standing(number: int, at: float = START, attempt: int = 1, server: int = 7) -> Standing:
    return Standing(at, ServerId(server), number, attempt)


async def test_a_line_is_in_the_order_of_acceptance(world: World) -> None:
    limit = a_limit(1)
    line = limit.line
    entered = [standing(3, START), standing(1, START + 0.002), standing(2, START + 0.001)]
    for one in entered:
        await world[LimitLines].enter(limit, one, START + 5)
    ordered = sorted(entered)
    assert await world[LimitLines].first(line, 10) == ordered
    assert await world[LimitLines].first(line, 1) == ordered[:1]
    assert await world[LimitLines].first(line, 10, ordered[0]) == ordered[1:]
    # The line of another period of the same owner is another one.
    assert await world[LimitLines].first(replace(line, period=Period.DAY), 10) == []


async def test_who_comes_later_gets_no_place_before_a_line(world: World) -> None:
    limit = a_limit(5)
    await world[LimitLines].enter(limit, standing(1), START + 100)
    took = await world[SendLimits].take([limit], 1, START)
    assert (took.full, took.free_at, took.waiting) == (limit, START + 100, 1)
    assert (await world[SendLimits].take([limit], 1, START, in_line=limit.line)).full is None
    state = await world[LimitLines].state(limit.line)
    assert state is not None
    assert (state.due_at, state.most, state.waiting) == (START + 100, 5, 1)
    await world[LimitLines].leave(limit.line, standing(1))
    assert await world[LimitLines].close(state)
    assert await world[LimitLines].state(limit.line) is None
    assert (await world[SendLimits].take([limit], 1, START)).full is None


async def test_who_comes_from_one_line_does_not_pass_those_of_wider_limits(world: World) -> None:
    server = an_owner()
    hour, day = a_limit(5, owner=server), a_limit(5, Period.DAY, server)
    shared = a_limit(9, owner=an_owner(OwnerKind.ORGANIZATION))
    limits = [hour, day, shared]
    for one in (hour, day):
        await world[LimitLines].enter(one, standing(1), START + 100)

    async def full(line: Line | None) -> Limit | None:
        return (await world[SendLimits].take(limits, 1, START, in_line=line)).full

    assert [await full(None), await full(hour.line)] == [hour, day]
    assert (
        await full(day.line) is None
    )  # what stands there was before those who stand in the narrower one
    await world[LimitLines].enter(shared, standing(1), START + 100)
    assert await full(day.line) == shared
    assert await full(a_limit(1).line) == hour
    assert await full(shared.line) is None
    assert await used(world, *limits, now=START) == [2, 2, 2]


async def test_a_line_that_somebody_enters_is_not_closed(world: World) -> None:
    limit = a_limit(5)
    await world[LimitLines].enter(limit, standing(1), START)
    state = await world[LimitLines].state(limit.line)
    assert state is not None
    await world[LimitLines].leave(limit.line, standing(1))
    await world[LimitLines].enter(limit, standing(2), START)
    assert not await world[LimitLines].close(state)
    assert (await world[SendLimits].take([limit], 1, START)).full == limit


async def test_who_enters_again_keeps_the_place_and_is_not_taken_out_by_what_was_before(
    world: World,
) -> None:
    limit = a_limit(5)
    line = limit.line
    for one in (standing(1), standing(2, START + 1), standing(1, attempt=3)):
        await world[LimitLines].enter(limit, one, START)
    await world[LimitLines].enter(limit, standing(1, attempt=2), START)
    assert await world[LimitLines].first(line, 9) == [
        standing(1, attempt=3),
        standing(2, START + 1),
    ]
    await world[LimitLines].leave(line, standing(1))
    state = await world[LimitLines].state(line)
    assert state is not None
    assert state.waiting == 2
    await world[LimitLines].leave(line, standing(1, attempt=3))
    assert await world[LimitLines].first(line, 9) == [standing(2, START + 1)]


async def test_what_rates_hold_stands_in_lines_of_servers_and_streams(world: World) -> None:
    server = an_owner()
    stream = replace(server, credential="news")
    limits = [RateLine(owner, rate, 30) for owner in (server, stream) for rate in Rate]
    for number, limit in enumerate(limits, start=1):
        await world[LimitLines].enter(limit, standing(number), START)
    await world[LimitLines].enter(a_limit(5, owner=server), standing(9), START)
    for number, limit in enumerate(limits, start=1):
        assert await world[LimitLines].first(limit.line, 9) == [standing(number)]
        state = await world[LimitLines].state(limit.line)
        assert state is not None
        assert (state.line, state.most, state.waiting) == (limit.line, 30, 1)
    due = {one.line for one in await world[LimitLines].due(START, 1_000)}
    assert {one.line for one in limits} <= due
    await world[LimitLines].hurry(server, 7)
    moments = [await world[LimitLines].state(one.line) for one in limits]
    assert [one.due_at if one else None for one in moments] == [7, 7, START, START]
    await world[LimitLines].leave(limits[0].line, standing(1))
    state = await world[LimitLines].state(limits[0].line)
    assert state is not None
    assert await world[LimitLines].close(state)
    assert await world[LimitLines].state(limits[0].line) is None
    # Places of send limits are as free as before.
    assert (await world[SendLimits].take([a_limit(1, Period.DAY, stream)], 1, START)).full is None


async def test_lines_are_looked_at_when_they_are_due(world: World) -> None:
    early, late = a_limit(5), a_limit(5)
    long_ago = 1_000_000 + early.owner.of  # before any that another test left
    await world[LimitLines].enter(late, standing(1), long_ago + 0.5)
    await world[LimitLines].enter(early, standing(1), long_ago + 0.25)
    lines = {early.line, late.line}
    due = [one for one in await world[LimitLines].due(long_ago + 0.3, 100) if one.line in lines]
    assert [one.line for one in due] == [early.line]
    after = replace(due[0], due_at=long_ago + 9, released_at=long_ago + 3, most=7)
    assert await world[LimitLines].put_off(due[0], after)
    assert not await world[LimitLines].put_off(due[0], after)
    due = [one for one in await world[LimitLines].due(long_ago + 1, 100) if one.line in lines]
    assert [one.line for one in due] == [late.line]
    await world[LimitLines].hurry(early.owner, long_ago)
    state = await world[LimitLines].state(early.line)
    assert state is not None
    assert (state.due_at, state.released_at, state.most) == (long_ago, long_ago + 3, 7)
    await world[LimitLines].hurry(an_owner(), long_ago)  # nothing of it waits
