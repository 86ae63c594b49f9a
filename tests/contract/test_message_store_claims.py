"""Creating messages and claiming them for one attempt (crash rules 1 to 4)."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from chalicelib.domain.dsn_parameters import DsnParameters
from chalicelib.domain.errors import NotFound
from chalicelib.domain.model import BlobRef, MessageRecord, Scope, State, Status
from chalicelib.domain.numbering import MessageId
from chalicelib.ports.messages import ClaimFailure, ClaimRefused, MessageStore
from tests.contract.conftest import World
from tests.fakes import NOW, a_job, a_message

LEASE = NOW + 300


async def claimed(world: World, record: MessageRecord, owner: str = "w1") -> MessageRecord:
    """The record, leased."""
    item = a_job(record.message, record.attempt)
    found = await world[MessageStore].claim(item, owner, NOW, LEASE)
    assert isinstance(found, MessageRecord)
    return found


async def test_a_created_message_waits_for_its_first_attempt(world: World) -> None:
    message = a_message(
        world.server,
        1,
        tag="news",
        bounce=True,
        hold=True,
        received_with_ssl=True,
        smtputf8=True,
        subject="Grüße 🎉",
        mail_from="",
        blob=BlobRef("r/pack", 4_096, 17),
        dsn=DsnParameters(notify="SUCCESS,FAILURE", envid="QQ314159"),
    )
    assert await world[MessageStore].create([message]) == [True]
    record = await world[MessageStore].get(world.server, message.id)
    assert record == MessageRecord(message)
    assert await world[MessageStore].deliveries(world.server, message.id) == ()


async def test_creating_again_is_fine_and_another_token_is_a_collision(world: World) -> None:
    first, second = a_message(world.server, 1), a_message(world.server, 2)
    other = replace(first, token="another-token")
    assert await world[MessageStore].create([first]) == [True]
    assert await world[MessageStore].create([first, other, second]) == [True, False, True]
    assert (await world[MessageStore].get(world.server, first.id)).message == first


@pytest.mark.parametrize("is_resent", [False, True])
async def test_a_first_claim_shows_the_record_as_it_is_stored(
    world: World, is_resent: bool
) -> None:
    store, message = world[MessageStore], a_message(world.server, 1)
    await store.create([message])
    if is_resent:
        await store.note_resent(world.server, message.id, Scope.OUTGOING, MessageId(7))
    found = await claimed(world, MessageRecord(message))
    assert found == await store.get(world.server, message.id)
    assert found.resent_as == ((7,) if is_resent else ())


async def test_an_unknown_message_is_not_found(world: World) -> None:
    with pytest.raises(NotFound):
        await world[MessageStore].get(world.server, MessageId(77))
    assert await world[MessageStore].deliveries(world.server, MessageId(77)) == ()


async def test_incoming_messages_are_found_by_the_same_verbs(world: World) -> None:
    message = a_message(world.server, 5, scope=Scope.INCOMING)
    await world[MessageStore].create([message])
    assert (await world[MessageStore].get(world.server, message.id)).message == message
    found = await world[MessageStore].get_many([(world.server, message.id)])
    assert [record.message for record in found] == [message]


async def test_whoever_knows_the_direction_asks_for_it(world: World) -> None:
    message = a_message(world.server, 5, scope=Scope.INCOMING)
    await world[MessageStore].create([message])
    found = await world[MessageStore].get(world.server, message.id, Scope.INCOMING)
    assert found.message == message
    with pytest.raises(NotFound):
        await world[MessageStore].get(world.server, message.id, Scope.OUTGOING)
    assert await world[MessageStore].deliveries(world.server, message.id, Scope.OUTGOING) == ()


async def test_a_claim_leases_the_record(world: World) -> None:
    message = a_message(world.server, 1)
    await world[MessageStore].create([message])
    record = await world[MessageStore].claim(a_job(message), "w1", NOW, LEASE)
    expected = MessageRecord(message, state=State.LEASED, lease_owner="w1", lease_until=LEASE)
    assert record == expected
    assert await world[MessageStore].get(world.server, message.id) == expected


async def test_a_claim_creates_a_record_that_does_not_exist(world: World) -> None:
    message = a_message(world.server, 1)
    record = await world[MessageStore].claim(a_job(message), "w1", NOW, LEASE)
    assert isinstance(record, MessageRecord)
    assert (record.state, record.message, record.taken_over) == (State.LEASED, message, False)
    assert await world[MessageStore].create([message]) == [True]
    assert (await world[MessageStore].get(world.server, message.id)).state is State.LEASED


@pytest.mark.parametrize("created", [True, False])
async def test_of_twenty_claims_at_once_one_is_granted(world: World, created: bool) -> None:
    message = a_message(world.server, 1)
    if created:
        await world[MessageStore].create([message])
    item = a_job(message)
    claims = await asyncio.gather(
        *(world[MessageStore].claim(item, f"w{n}", NOW, LEASE) for n in range(20))
    )
    granted = [one for one in claims if isinstance(one, MessageRecord)]
    refused = [one for one in claims if isinstance(one, ClaimRefused)]
    assert len(granted) == 1
    assert {one.reason for one in refused} == {ClaimFailure.LEASED}
    assert {one.record.lease_owner for one in refused} == {granted[0].lease_owner}


async def test_the_same_owner_does_not_get_a_lease_twice(world: World) -> None:
    message = a_message(world.server, 1)
    await world[MessageStore].claim(a_job(message), "w1", NOW, LEASE)
    again = await world[MessageStore].claim(a_job(message), "w1", NOW, LEASE)
    assert isinstance(again, ClaimRefused)
    assert again.reason is ClaimFailure.LEASED


async def test_a_held_lease_refuses_and_an_expired_one_is_taken_over(world: World) -> None:
    message = a_message(world.server, 1)
    await world[MessageStore].create([message])
    item = a_job(message)
    await world[MessageStore].claim(item, "w1", NOW, LEASE)
    early = await world[MessageStore].claim(item, "w2", LEASE - 1, LEASE + 299)
    assert isinstance(early, ClaimRefused)
    assert (early.reason, early.record.lease_until) == (ClaimFailure.LEASED, LEASE)
    late = await world[MessageStore].claim(item, "w2", LEASE, LEASE + 300)
    assert isinstance(late, MessageRecord)
    assert (late.lease_owner, late.lease_until, late.taken_over) == ("w2", LEASE + 300, True)


async def test_a_claim_of_a_waiting_record_after_a_take_over_is_an_ordinary_one(
    world: World,
) -> None:
    message = a_message(world.server, 1)
    item = a_job(message)
    await world[MessageStore].claim(item, "w1", NOW, LEASE)
    second = await world[MessageStore].claim(item, "w2", LEASE, LEASE + 300)
    assert isinstance(second, MessageRecord)
    waiting = replace(second, state=State.WAITING, attempt=1, lease_owner="", lease_until=0)
    assert await world[MessageStore].replace(second, waiting)
    assert (await world[MessageStore].get(world.server, message.id)).taken_over is False
    third = await world[MessageStore].claim(a_job(message, 1), "w3", LEASE, LEASE + 300)
    assert isinstance(third, MessageRecord)
    assert third.taken_over is False


@pytest.mark.parametrize("attempt", [0, 2])
async def test_a_wake_up_for_another_attempt_is_stale(world: World, attempt: int) -> None:
    message = a_message(world.server, 1)
    await world[MessageStore].create([message])
    before = await claimed(world, MessageRecord(message))
    after = replace(before, state=State.WAITING, attempt=1, lease_owner="", lease_until=0)
    assert await world[MessageStore].replace(before, after)
    refused = await world[MessageStore].claim(a_job(message, attempt), "w2", NOW, LEASE)
    assert isinstance(refused, ClaimRefused)
    assert refused.reason is ClaimFailure.STALE
    assert refused.record == after


@pytest.mark.parametrize("state", [State.DONE, State.HELD])
async def test_a_record_that_does_not_wait_is_stale(world: World, state: State) -> None:
    message = a_message(world.server, 1)
    before = await claimed(world, MessageRecord(message))
    after = replace(before, state=state, status=Status.SENT, lease_owner="", lease_until=0)
    assert await world[MessageStore].replace(before, after)
    refused = await world[MessageStore].claim(a_job(message), "w2", NOW, LEASE)
    assert isinstance(refused, ClaimRefused)
    assert refused.reason is ClaimFailure.STALE


async def test_a_wake_up_with_another_token_is_a_collision(world: World) -> None:
    message = a_message(world.server, 1)
    await world[MessageStore].create([message])
    other = a_job(replace(message, token="another-token"))
    refused = await world[MessageStore].claim(other, "w1", NOW, LEASE)
    assert isinstance(refused, ClaimRefused)
    assert refused.reason is ClaimFailure.COLLISION
    assert refused.record.message == message


async def test_many_records_come_in_the_order_asked(world: World) -> None:
    messages = [a_message(world.server, n) for n in range(1, 131)]
    assert all(await world[MessageStore].create(messages))
    wanted = [(world.server, MessageId(n)) for n in (130, 1, 999, 64, *range(2, 60))]
    found = await world[MessageStore].get_many(wanted)
    assert [record.message.id for record in found] == [130, 1, 64, *range(2, 60)]
