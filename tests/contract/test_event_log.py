"""The list of a server's events: a replay is listed once, and reading on leaves none out."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from chalicelib.adapters.scripted.time import ControlledClock
from chalicelib.adapters.storage import log_pages, packs
from chalicelib.domain.errors import Rejected
from chalicelib.domain.numbering import MessageId
from chalicelib.domain.occurrence import EventType, Occurrence
from chalicelib.ports.clock import Clock
from chalicelib.ports.event_log import EventLog, LogPage, Numbered
from tests.contract.conftest import World
from tests.fakes import NOW, a_server_id

SETTLED = 10


def occurrence(world: World, number: int, **changes: Any) -> Occurrence:
    values: dict[str, Any] = {
        "type": EventType.EMAIL_DELIVERED,
        "server": world.server,
        "at": NOW + number / 8,
        "what": str(number),
        "email": MessageId(number),
    }
    return Occurrence(**(values | changes))


def some(world: World, *numbers: int) -> list[Numbered]:
    return [Numbered(str(number), occurrence(world, number)) for number in numbers]


async def append(world: World, *numbers: int, source: str = "a") -> None:
    await world[EventLog].append(source, world.server, some(world, *numbers))


async def page(world: World, limit: int = 100, **wanted: Any) -> LogPage:
    world.clock.advance(SETTLED)
    return await world[EventLog].page(world.server, limit=limit, **wanted)


async def listed(world: World) -> list[int]:
    return [int(one.what) for one in (await page(world)).occurrences]


async def test_what_was_added_is_read_as_it_was(world: World) -> None:
    told = [
        occurrence(world, 1),
        Occurrence(EventType.SUPPRESSION_ADDED, world.server, NOW + 0.125, "ü", detail='{"a":"ß"}'),
        Occurrence(EventType.EMAIL_UNSUBSCRIBED, world.server, NOW, "", MessageId(7), "{}"),
    ]
    await world[EventLog].append("a", world.server, [Numbered("5", one) for one in told])
    assert (await page(world)).occurrences == tuple(told)


async def test_a_replay_is_listed_once_wherever_it_begins_and_ends(world: World) -> None:
    await append(world, 3, 4, 5)
    for again in ((3, 4, 5), (4,), (1, 2, 3, 4, 5), (5, 6, 10), (3, 4, 5, 6, 10, 11), (9, 10)):
        await append(world, *again)
    assert await listed(world) == [3, 4, 5, 6, 10, 11]


async def test_numbers_are_compared_as_numbers_of_any_length(world: World) -> None:
    long = 10**40
    for numbers in ((9,), (10,), (9, 10, long), (long + 1,), (long,)):
        told = [Numbered(str(one), occurrence(world, one % 97)) for one in numbers]
        await world[EventLog].append("a", world.server, told)
    assert await listed(world) == [9, 10, long % 97, (long + 1) % 97]
    with pytest.raises(Rejected):
        told = [Numbered("x", occurrence(world, 1))]
        await world[EventLog].append("a", world.server, told)


async def test_several_of_one_change_are_taken_together(world: World) -> None:
    told = [Numbered("7", occurrence(world, number)) for number in (1, 2, 3)]
    for _ in range(2):
        await world[EventLog].append("a", world.server, told)
    assert await listed(world) == [1, 2, 3]


async def test_sources_and_servers_are_apart(world: World) -> None:
    await append(world, 5)
    world.clock.advance(1)
    await append(world, 4, source="b")
    other = a_server_id()
    theirs = occurrence(world, 1, server=other)
    await world[EventLog].append("a", other, [Numbered("1", theirs)])
    assert await listed(world) == [5, 4]
    assert (await world[EventLog].page(other, limit=9)).occurrences == (theirs,)


async def test_two_runs_over_the_same_changes_at_once_list_them_once(world: World) -> None:
    runs = (range(1, 4), range(1, 11), range(1, 7), range(1, 11), range(1, 3))
    await asyncio.gather(*(append(world, *run) for run in runs))
    assert await listed(world) == list(range(1, 11))


async def test_reading_on_leaves_none_out(world: World) -> None:
    empty = await page(world)
    assert (empty.occurrences, empty.has_more) == ((), False)
    position, found, written = empty.position, list[int](), 0
    for count in (1, 5, 0, 3, 17, 0, 2):
        for _ in range(2):
            await append(world, *range(written + 1, written + count + 1), source="ab"[count % 2])
            written += count
            world.clock.advance(1)
        for limit in (1, 4, 100):
            one = await page(world, limit, position=position)
            assert len(one.occurrences) <= limit
            assert one.has_more is (len(found) + len(one.occurrences) < written)
            found += [int(each.what) for each in one.occurrences]
            position = one.position
    assert found == list(range(1, written + 1))
    again = await page(world, position=position)
    assert (again.occurrences, again.has_more) == ((), False)


async def test_a_reader_who_is_quicker_than_the_writers_misses_nothing(world: World) -> None:
    log, found, position = world[EventLog], list[int](), None
    for number in range(1, 21):
        await append(world, number, source=f"source {number % 3}")
        world.clock.advance(0.5)
        one = await log.page(world.server, position=position, limit=100)
        found += [int(each.what) for each in one.occurrences]
        position = one.position
    found += [int(each.what) for each in (await page(world, position=position)).occurrences]
    assert found == list(range(1, 21))


async def test_what_comes_late_by_a_slow_call_or_clock_is_read_by_who_has_read_on(
    world: World,
) -> None:
    """Written at a moment that readers have passed: by a call that took long, or by a slow clock."""
    slow = world.another({Clock: ControlledClock(int(world.clock.now()) - 60)})
    await append(world, 1, source="quick")
    before = await page(world)
    assert [one.what for one in before.occurrences] == ["1"]
    await slow[EventLog].append("slow", world.server, some(world, 2, 3))
    await append(world, 4, source="quick")
    await slow[EventLog].append("slow", world.server, some(world, 2, 3, 5))
    after = await page(world, position=before.position)
    assert [one.what for one in after.occurrences] == ["2", "3", "4", "5"]


async def test_sources_that_write_at_once_are_all_listed(world: World) -> None:
    await asyncio.gather(
        *(append(world, number, source=f"source {number}") for number in range(1, 9))
    )
    assert sorted(await listed(world)) == list(range(1, 9))


async def test_a_list_is_narrowed_by_type_and_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_pages, "MOST_LOOKS", 1)
    kinds = (EventType.EMAIL_OPENED, EventType.EMAIL_CLICKED)
    for number in range(40):
        told = occurrence(world, number, type=kinds[number % 10 == 3])
        await world[EventLog].append("a", world.server, [Numbered(str(number + 1), told)])
        world.clock.advance(0.5)
    clicks, position = list[str](), None
    while True:
        one = await page(world, 2, position=position, kind=EventType.EMAIL_CLICKED)
        clicks += [each.what for each in one.occurrences]
        position = one.position
        if not one.has_more:
            break
    assert clicks == ["3", "13", "23", "33"]
    late = await page(world, since=NOW + 38 / 8)
    assert [each.what for each in late.occurrences] == ["38", "39"]


async def test_more_than_fits_in_one_pack_is_kept_whole(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packs, "LARGEST", 300)
    await append(world, *range(1, 41))
    first = await page(world, 15)
    rest = await page(world, 100, position=first.position)
    found = (*first.occurrences, *rest.occurrences)
    assert found == tuple(occurrence(world, number) for number in range(1, 41))


async def test_entries_go_after_a_day(world: World) -> None:
    await append(world, 1)
    world.clock.advance(2 * 3_600)
    await append(world, 2)
    begin = await page(world, 1)
    world.clock.advance(24 * 3_600 - 100)
    assert await listed(world) == [2]
    late = await page(world, position=begin.position)
    assert [one.what for one in late.occurrences] == ["2"]
    await append(world, 1, 2, 3)
    assert await listed(world) == [2, 3]


@pytest.mark.parametrize("cursor", ["", "x", "MQ", "a" * 2_000, "Ä", "\x00"])
async def test_positions_of_nobody_are_refused(world: World, cursor: str) -> None:
    with pytest.raises(Rejected):
        await world[EventLog].page(world.server, position=cursor, limit=9)


async def test_positions_of_others_are_refused(world: World) -> None:
    await append(world, 1)
    ours = (await page(world)).position
    with pytest.raises(Rejected):
        await world[EventLog].page(a_server_id(), position=ours, limit=9)
    for pack, read in (("x", 0), ("9" * 40, 0), ("1", 10**9)):
        forged = log_pages.render_position(world.server, pack, read)
        try:
            assert len((await page(world, position=forged)).occurrences) <= 1
        except Rejected:
            continue
