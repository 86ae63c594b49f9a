"""Requests counted in windows, and taken back."""

from __future__ import annotations

import asyncio
import secrets

from chalicelib.domain.rates import Policy
from chalicelib.ports.rate_counters import RateCounters
from tests.contract.conftest import World
from tests.fakes import NOW

THREE = Policy("three", 3, 60)


async def taken(world: World, key: str, now: float = NOW) -> tuple[int, bool]:
    """Whether one more may come."""
    window = await world[RateCounters].take(THREE, key, now)
    return window.count, window.is_over_quota


async def test_what_is_given_back_leaves_room_for_another(world: World) -> None:
    key = secrets.token_hex(8)
    counters = world[RateCounters]
    assert [await taken(world, key) for _ in range(4)] == [
        (1, False),
        (2, False),
        (3, False),
        (3, True),
    ]
    await counters.give_back(THREE, key, NOW)
    assert [await taken(world, key) for _ in range(2)] == [(3, False), (3, True)]


async def test_what_was_never_counted_is_not_given_back(world: World) -> None:
    key, counters = secrets.token_hex(8), world[RateCounters]
    await counters.give_back(THREE, key, NOW)
    await taken(world, key)
    await asyncio.gather(*(counters.give_back(THREE, key, NOW) for _ in range(5)))
    assert (await taken(world, key))[0] == 1


async def test_what_belongs_to_a_window_that_has_ended_changes_nothing(world: World) -> None:
    key, later = secrets.token_hex(8), NOW + THREE.seconds + 1
    await taken(world, key)
    await world[RateCounters].give_back(THREE, key, later)
    assert await taken(world, key, later) == (1, False)


async def test_a_clock_that_is_set_back_closes_no_window_for_longer(world: World) -> None:
    key, back = secrets.token_hex(8), NOW - 3_600
    for _ in range(4):
        await taken(world, key)
    assert await taken(world, key, back) == (1, False)
    await world[RateCounters].give_back(THREE, key, back)
    assert await taken(world, key, back) == (1, False)


async def test_clocks_that_differ_a_little_share_a_window(world: World) -> None:
    key = secrets.token_hex(8)
    assert [await taken(world, key, NOW - one) for one in (0, 2, 1)] == [
        (1, False),
        (2, False),
        (3, False),
    ]
