"""Numbers, send volume and idempotency keys."""

from __future__ import annotations

import asyncio
import secrets

from chalicelib.adapters.storage.leased_numbers import NumberBlock
from chalicelib.ports.greylist import Greylist
from chalicelib.ports.numbers import Numbers
from tests.contract.conftest import World
from tests.fakes import NOW


async def test_a_first_contact_is_remembered_for_36_days_after_the_last(world: World) -> None:
    port, key, day = world[Greylist], secrets.token_hex(8), 86_400
    assert await port.met(key, NOW) == NOW
    assert await port.met(key, NOW + 60) == NOW
    assert await world.another()[Greylist].met(key, NOW + 20 * day) == NOW
    assert await port.met(key, NOW + 54 * day) == NOW
    later = NOW + (54 + 37) * day
    assert await port.met(key, later) == later
    assert await port.met(secrets.token_hex(8), NOW + 1) == NOW + 1


async def test_many_first_contacts_at_once_are_one(world: World) -> None:
    key = secrets.token_hex(8)
    met = [world[Greylist].met(key, NOW + number) for number in range(10)]
    assert len(set(await asyncio.gather(*met))) == 1


async def test_numbers_rise_and_kinds_are_apart(world: World) -> None:
    first = await world[Numbers].take(world.server, "message", 3)
    second = await world[Numbers].take(world.server, "message", 30)
    numbers = first + second
    assert len(numbers) == 33
    assert numbers == sorted(set(numbers))
    assert numbers[0] == 1
    assert (await world[Numbers].take(world.server, "delivery", 1)) == [1]
    assert await world[Numbers].take(world.server, "delivery", 0) == []


async def test_the_numbers_of_one_call_follow_each_other(world: World) -> None:
    here, there = world.another()[Numbers], world.another()[Numbers]
    for count in (1, 7, 18, 2, 60, 19, 3):
        for who in (here, there):
            taken = await who.take(world.server, "message", count)
            assert taken == list(range(taken[0], taken[0] + count))


async def test_no_number_is_given_twice_by_two_processes(world: World) -> None:
    here, there = world.another()[Numbers], world.another({NumberBlock: NumberBlock(100)})[Numbers]
    taken = await asyncio.gather(
        *(who.take(world.server, "message", n % 7 + 1) for n in range(40) for who in (here, there))
    )
    numbers = [number for batch in taken for number in batch]
    assert len(numbers) == len(set(numbers)) == 2 * sum(n % 7 + 1 for n in range(40))
    assert min(numbers) >= 1
    assert all(batch == sorted(batch) for batch in taken)


async def test_numbers_of_two_processes_stay_in_order_of_time(world: World) -> None:
    here, there = world.another()[Numbers], world.another()[Numbers]
    await here.take(world.server, "message", 1)
    later = await there.take(world.server, "message", 20)
    world.clock.advance(10)
    (last,) = await here.take(world.server, "message", 1)
    assert last > max(later)
