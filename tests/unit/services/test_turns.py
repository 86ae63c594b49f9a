"""Whose turn it is: what is slow waits, what is quick never does."""

from __future__ import annotations

import pytest

from chalicelib.domain.errors import TemporaryFailure
from chalicelib.services.queue import turns
from chalicelib.services.queue.turns import NotYet, Share, Turn, Turns
from tests.worlds import Scene, make_scene

SERVER, ENDPOINT = Share("server", 3), Share("endpoint", 2, wary=True)


async def begun(scene: Scene, *shares: Share) -> Turn:
    return (await scene.posthorn[Turns].take(shares)).__enter__()


def ended(turn: Turn, *, succeeded: bool | None = True) -> None:
    if succeeded is not None:
        turn.attempted(succeeded=succeeded)
    turn.__exit__(None, None, None)


async def wait_of(scene: Scene, *shares: Share) -> float:
    with pytest.raises(NotYet) as later:
        await begun(scene, *shares)
    return later.value.seconds


async def test_a_share_has_as_many_slow_ones_as_it_says_and_any_number_of_quick_ones() -> None:
    scene = await make_scene()
    running = [await begun(scene, SERVER) for _ in range(50)]
    scene.clock.advance(1)
    ended(await begun(scene, SERVER))
    scene.clock.advance(1.5)
    assert await wait_of(scene, SERVER) >= 1
    ended(await begun(scene, Share("another", 3)))
    for one in running[3:]:
        ended(one)
    await wait_of(scene, SERVER)
    ended(running[0])
    ended(await begun(scene, SERVER))


async def test_a_wary_share_has_few_until_one_was_quick() -> None:
    scene = await make_scene()
    first, second = await begun(scene, ENDPOINT), await begun(scene, ENDPOINT)
    await wait_of(scene, ENDPOINT)
    ended(first, succeeded=None)
    third = await begun(scene, ENDPOINT)
    await wait_of(scene, ENDPOINT)
    ended(second)
    running = [await begun(scene, ENDPOINT) for _ in range(50)]
    scene.clock.advance(3)
    await wait_of(scene, ENDPOINT)
    for one in (third, *running):
        ended(one)


async def test_after_one_that_was_slow_and_failed_there_is_one_until_one_succeeds() -> None:
    scene = await make_scene()
    first = await begun(scene, ENDPOINT)
    scene.clock.advance(60)
    ended(first, succeeded=False)
    one = await begun(scene, ENDPOINT)
    assert await wait_of(scene, ENDPOINT) == pytest.approx(60)
    assert await wait_of(scene, ENDPOINT) == pytest.approx(120)
    ended(one, succeeded=False)
    one = await begun(scene, ENDPOINT)
    await wait_of(scene, ENDPOINT)
    ended(one, succeeded=True)
    for _ in range(5):
        await begun(scene, ENDPOINT)


async def test_the_pace_is_kept_and_nobody_waits_for_more_than_five_minutes() -> None:
    scene = await make_scene()
    first = await begun(scene, ENDPOINT)
    scene.clock.advance(60)
    ended(first, succeeded=False)
    await begun(scene, ENDPOINT)
    waits = [await wait_of(scene, ENDPOINT) for _ in range(1_000)]
    assert max(waits) <= 300
    for moment in (60, 120, 180, 240, 300):
        assert waits.count(pytest.approx(moment)) == 200


async def test_who_stands_behind_a_slow_one_is_put_off_where_the_share_is_wary() -> None:
    scene = await make_scene()
    assert scene.posthorn[Turns].wait_behind((SERVER,)) is None
    assert (scene.posthorn[Turns].wait_behind((SERVER, ENDPOINT)) or 0) >= 1


async def test_beginnings_of_a_slow_share_are_counted_for_all_processes() -> None:
    scene = await make_scene()
    other = Turns(scene.clock, scene.posthorn[turns.RateCounters])
    for each in (scene.posthorn[Turns], other):
        turn = await each.take((ENDPOINT,))
        with turn:
            scene.clock.advance(30)
            turn.attempted(succeeded=False)
    # Two a minute: as many as there is time for, one after the other.
    for each in (scene.posthorn[Turns], other):
        with await each.take((ENDPOINT,)):
            pass
    for each in (scene.posthorn[Turns], other):
        with pytest.raises(NotYet):
            await each.take((ENDPOINT,))
    scene.clock.advance(61)
    with await other.take((ENDPOINT,)):
        pass


async def test_counters_that_are_away_hold_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = await make_scene()

    async def away(*_: object) -> None:
        raise TemporaryFailure("away")

    first = await begun(scene, ENDPOINT)
    scene.clock.advance(30)
    ended(first)
    monkeypatch.setattr(scene.posthorn[turns.RateCounters], "take", away)
    ended(await begun(scene, ENDPOINT))


async def test_what_is_known_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "MOST_KNOWN", 10)
    scene = await make_scene()
    for number in range(1_000):
        ended(await begun(scene, Share(f"client {number}", 3)))
    assert len(scene.posthorn[Turns]._known) == 10
