"""Bodies are counted by day as they are stored, and given back: those that nobody needs, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from chalicelib.domain.durations import DAY
from chalicelib.domain.errors import NotFound
from chalicelib.domain.model import BlobRef
from chalicelib.domain.retention import day_of
from chalicelib.ports.blobs import BlobStore
from chalicelib.ports.contents import Contents
from tests.contract.conftest import World
from tests.fakes import NOW, a_server_id

TODAY = day_of(NOW)
LATER = NOW + 5 * DAY


async def stored(world: World, *bodies: bytes, at: float = NOW) -> list[BlobRef]:
    return await world[BlobStore].put(world.server, bodies, at)


async def is_gone(world: World, body: BlobRef) -> bool:
    try:
        await world[BlobStore].get(body)
    except NotFound:
        return True
    return False


async def test_bytes_are_counted_by_server_and_day(world: World) -> None:
    await stored(world, b"a" * 10, b"b" * 5)
    await stored(world, b"c" * 7, at=NOW + DAY)
    await world[BlobStore].put(a_server_id(), [b"another's"], NOW)
    contents = world[Contents]
    assert dict(await contents.days(world.server)) == {TODAY: 15, day_of(NOW + DAY): 7}
    assert await contents.counted(world.server) == 22
    assert await contents.counted(a_server_id()) == 0


async def test_what_is_given_back_is_gone_and_counted_no_more(world: World) -> None:
    gone = (await stored(world, b"a" * 10))[0]
    kept = (await stored(world, b"b" * 5))[0]
    contents = world[Contents]
    before = await contents.existing(world.server, TODAY)
    assert before(gone)
    assert before(kept)
    assert await contents.remove(world.server, [gone], [kept]) == []
    after = await contents.existing(world.server, TODAY)
    assert not after(gone)
    assert after(kept)
    assert await is_gone(world, gone)
    assert await world[BlobStore].get(kept) == b"b" * 5
    assert await contents.counted(world.server) == 5


async def test_what_shares_its_place_with_what_is_needed_stays_or_is_named(world: World) -> None:
    gone, kept = await stored(world, b"a" * 10, b"b" * 5)
    contents = world[Contents]
    named = await contents.remove(world.server, [gone, kept], [kept])
    assert await world[BlobStore].get(kept) == b"b" * 5
    if not named:
        assert await is_gone(world, gone)
        return
    assert named == [kept.key]
    assert await contents.size(kept.key) == 15
    await contents.drop(world.server, kept.key)
    assert await is_gone(world, kept)
    assert await contents.size(kept.key) == 0


async def test_a_day_that_is_over_is_counted_once_more_and_what_nobody_knows_goes(
    world: World,
) -> None:
    known = (await stored(world, b"a" * 10))[0]
    await stored(world, b"nobody's")
    contents = world[Contents]
    assert await contents.recount(world.server, TODAY, [known], NOW) == 18  # not over yet
    assert await contents.recount(world.server, TODAY, [known], LATER) == 10
    assert await world[BlobStore].get(known) == b"a" * 10
    assert await contents.counted(world.server) == 10
    assert await contents.recount(world.server, TODAY, [], LATER) == 0
    assert await contents.days(world.server) == {}
    await contents.tidy(LATER)
    assert await is_gone(world, known)


async def test_a_day_of_which_another_server_has_something_stays(world: World) -> None:
    other = a_server_id()
    (theirs,) = await world[BlobStore].put(other, [b"theirs"], NOW)
    contents = world[Contents]
    assert await contents.recount(world.server, TODAY, [], LATER) == 0
    await contents.tidy(LATER)
    assert await world[BlobStore].get(theirs) == b"theirs"
    assert await contents.remove(world.server, [BlobRef("", 0, 0)], []) == []


@pytest.mark.parametrize("world", ["files"], indirect=True)
async def test_room_comes_back_before_the_segment_goes(world: World) -> None:
    (body,) = await stored(world, b"x" * 4_000_000)
    path = next((Path(world.settings.state_folder) / "bodies").rglob("*.seg"))
    full = path.stat().st_blocks
    await world[Contents].remove(world.server, [body], [])
    assert path.stat().st_size > 4_000_000
    assert path.stat().st_blocks < full / 10
    assert b"x" * 100 not in path.read_bytes()
