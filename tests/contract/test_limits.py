"""Numbers, send volume and idempotency keys."""

from __future__ import annotations

import asyncio
import secrets

import pytest

from chalicelib.adapters.storage.leased_numbers import NumberBlock
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.rates import Policy, Window
from chalicelib.ports.greylist import Greylist
from chalicelib.ports.idempotency import Claimed, IdempotencyClaim, IdempotencyKeys, KeptAnswer
from chalicelib.ports.numbers import Numbers
from chalicelib.ports.rate_counters import RateCounters
from chalicelib.ports.send_rate import SendRate
from tests.contract.conftest import World
from tests.fakes import NOW, a_server_id


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


async def last_hour(world: World, server: ServerId, now: float) -> int:
    """How many are counted, without counting one more."""
    place = await world[SendRate].reserve(server, now)
    await world[SendRate].give_back(server, now)
    return place - 1


async def test_the_volume_of_an_hour(world: World) -> None:
    server = world.server
    assert await last_hour(world, server, NOW) == 0
    start = NOW - NOW % 60
    assert [await world[SendRate].reserve(server, start) for _ in range(3)] == [1, 2, 3]
    assert await world[SendRate].reserve(server, start + 59) == 4
    assert await world[SendRate].reserve(server, start + 1_800) == 5
    assert await world[SendRate].reserve(a_server_id(), start) == 1
    assert await last_hour(world, server, start + 3_599) == 5
    assert await last_hour(world, server, start + 3_600) == 1
    assert await last_hour(world, server, start + 1_800 + 3_600) == 0


async def test_many_at_once_get_places_of_their_own_and_may_give_them_back(world: World) -> None:
    places = await asyncio.gather(*(world[SendRate].reserve(world.server, NOW) for _ in range(30)))
    assert sorted(places) == list(range(1, 31))
    await asyncio.gather(*(world[SendRate].give_back(world.server, NOW) for _ in range(27)))
    assert await last_hour(world, world.server, NOW) == 3
    assert await world[SendRate].reserve(world.server, NOW) == 4


@pytest.fixture
def key() -> str:
    return secrets.token_hex(8)


async def test_a_first_answer_is_replayed(world: World, key: str) -> None:
    keys, server = world[IdempotencyKeys], world.server
    body = '{"status":"success","data":"' + "ü" * 3_000 + '"}'
    assert await keys.begin(server, key, "print", NOW) == IdempotencyClaim(Claimed.STARTED)
    assert (await keys.begin(server, key, "print", NOW + 59)).found is Claimed.IN_FLIGHT
    await keys.complete(server, key, 202, body)
    await keys.complete(server, key, 500, "later")
    replay = await keys.begin(server, key, "print", NOW + 100)
    assert replay == IdempotencyClaim(Claimed.REPLAY, 202, body)
    assert (await keys.begin(server, key, "other", NOW + 100)).found is Claimed.OTHER_BODY
    assert (await keys.begin(a_server_id(), key, "other", NOW)).found is Claimed.STARTED


async def test_an_answer_is_kept_for_a_day(world: World, key: str) -> None:
    keys, server = world[IdempotencyKeys], world.server
    await keys.begin(server, key, "print", NOW)
    await keys.complete(server, key, 200, "")
    assert (await keys.begin(server, key, "print", NOW + 86_399)).found is Claimed.REPLAY
    assert (await keys.begin(server, key, "other", NOW + 86_400)).found is Claimed.STARTED


async def test_answers_are_read_and_kept_elsewhere(world: World, key: str) -> None:
    keys, there = world[IdempotencyKeys], a_server_id()
    for one in ("a", "b", "open"):
        await keys.begin(world.server, f"{key}{one}", "f", NOW + 0.5)
    await keys.complete(world.server, f"{key}b", 200, '{"ü": 1}')
    await keys.complete(world.server, f"{key}a", 422, "")
    answers = await keys.all(world.server, NOW + 1)
    assert answers == [
        KeptAnswer(f"{key}a", "f", NOW + 0.5, 422, ""),
        KeptAnswer(f"{key}b", "f", NOW + 0.5, 200, '{"ü": 1}'),
    ]
    for _ in range(2):
        await keys.keep(there, answers)
    assert await keys.all(there, NOW + 1) == answers
    claim = await keys.begin(there, f"{key}b", "f", NOW + 2)
    assert claim == IdempotencyClaim(Claimed.REPLAY, 200, '{"ü": 1}')
    assert await keys.all(there, NOW + 86_401) == []


async def test_an_open_claim_is_taken_over_after_a_minute(world: World, key: str) -> None:
    keys, server = world[IdempotencyKeys], world.server
    await keys.begin(server, key, "print", NOW)
    assert (await keys.begin(server, key, "other", NOW + 60)).found is Claimed.OTHER_BODY
    assert (await keys.begin(server, key, "print", NOW + 60)).found is Claimed.STARTED
    assert (await keys.begin(server, key, "print", NOW + 61)).found is Claimed.IN_FLIGHT


async def test_a_claim_given_back_is_free(world: World, key: str) -> None:
    keys, server = world[IdempotencyKeys], world.server
    await keys.begin(server, key, "print", NOW)
    await keys.abandon(server, key)
    assert (await keys.begin(server, key, "other", NOW)).found is Claimed.STARTED
    await keys.complete(server, key, 200, "done")
    await keys.abandon(server, key)
    assert (await keys.begin(server, key, "other", NOW)).found is Claimed.REPLAY
    await keys.abandon(server, "never begun")
    await keys.complete(server, "never begun", 200, "")
    assert (await keys.begin(server, "never begun", "print", NOW)).found is Claimed.STARTED


async def test_of_twenty_claims_of_a_key_one_starts(world: World, key: str) -> None:
    claims = await asyncio.gather(
        *(world[IdempotencyKeys].begin(world.server, key, "print", NOW) for _ in range(20))
    )
    found = [claim.found for claim in claims]
    assert found.count(Claimed.STARTED) == 1
    assert found.count(Claimed.IN_FLIGHT) == 19


async def test_requests_are_counted_up_to_the_quota_until_their_window_ends(world: World) -> None:
    counters, key = world[RateCounters], secrets.token_hex(8)
    policy = Policy("dns", 3, 60)
    assert [await counters.take(policy, key, NOW + one) for one in (0.5, 10, 20)] == [
        Window(1, NOW + 0.5),
        Window(2, NOW + 0.5),
        Window(3, NOW + 0.5),
    ]
    over = Window(3, NOW + 0.5, is_over_quota=True)
    assert [await counters.take(policy, key, NOW + one) for one in (20, 60.4)] == [over, over]
    assert await counters.take(policy, f"{key}b", NOW + 30) == Window(1, NOW + 30)
    assert await counters.take(Policy("reset", 3, 60), key, NOW + 30) == Window(1, NOW + 30)
    assert await counters.take(policy, key, NOW + 60.5) == Window(1, NOW + 60.5)


async def test_of_many_requests_at_once_no_more_than_the_quota_are_counted(world: World) -> None:
    counters, key = world[RateCounters], secrets.token_hex(8)
    policy = Policy("dns", 5, 60)
    windows = await asyncio.gather(*(counters.take(policy, key, NOW) for _ in range(12)))
    counted = sorted(one.count for one in windows if not one.is_over_quota)
    assert counted == [1, 2, 3, 4, 5]
