"""Writing outcomes: only over what one has read, with a log that loses nothing."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from chalicelib.domain.inspection import Inspection, Spam, SpamCheck, Threat
from chalicelib.domain.model import Arrival, MessageRecord, Scope, State, Status
from chalicelib.domain.numbering import MessageId
from chalicelib.ports.messages import MessageStore
from tests.contract.conftest import World
from tests.contract.test_message_store_claims import claimed
from tests.fakes import NOW, a_delivery, a_job, a_message, an_operation


async def leased(world: World, number: int = 1) -> MessageRecord:
    """A fresh message under lease."""
    return await claimed(world, MessageRecord(a_message(world.server, number)))


def finished(record: MessageRecord, number: int, status: Status = Status.SENT) -> MessageRecord:
    """The record after a last delivery."""
    return replace(
        record,
        state=State.DONE,
        status=status,
        attempt=record.attempt + 1,
        lease_owner="",
        lease_until=0,
        last_attempt_at=NOW + 2.125,
        deliveries=(*record.deliveries, a_delivery(number, status)),
    )


async def test_an_outcome_is_read_back_whole(world: World) -> None:
    before = await leased(world)
    after = finished(before, 10)
    assert await world[MessageStore].replace(before, after)
    assert await world[MessageStore].get(world.server, before.message.id) == after
    assert await world[MessageStore].deliveries(world.server, before.message.id) == after.deliveries


async def test_what_was_found_of_an_incoming_message_is_read_back_whole(world: World) -> None:
    arrival = Arrival("route", "endpoint", helo="a.test", client="192.0.2.1", to="x@routes.test")
    message = replace(
        a_message(world.server, 1), scope=Scope.INCOMING, arrival=arrival, reports_on=MessageId(9)
    )
    before = await claimed(world, MessageRecord(message))
    spam = Spam(7.2, 5.0, "spamd", (SpamCheck("GTUBE", 7.2, "Generic test"),))
    after = replace(
        finished(before, 10, Status.HARD_FAIL),
        inspection=Inspection(spam, Threat(found=True, details="Eicar FOUND")),
        bounce_of=MessageId(7),
        replay=replace(arrival, route_id="", endpoint_id="other"),
        bounced_as=MessageId(8),
        released=True,
    )
    assert await world[MessageStore].replace(before, after)
    assert await world[MessageStore].get(world.server, message.id) == after
    without = replace(after, attempt=after.attempt + 1, replay=None, released=False)
    assert await world[MessageStore].replace(after, without)
    assert await world[MessageStore].get(world.server, message.id) == without


async def test_a_soft_failure_and_a_hold_are_read_back_whole(world: World) -> None:
    before = await leased(world)
    waiting = replace(
        before,
        state=State.WAITING,
        status=Status.SOFT_FAIL,
        attempt=1,
        tries=1,
        lost_replies=1,
        lease_owner="",
        lease_until=0,
        wake_at=NOW + 3_600,
        by_sweeper=True,
        deliveries=(
            a_delivery(1, Status.SOFT_FAIL, output=None, log_id=None, seconds=None, about_us=True),
        ),
    )
    assert await world[MessageStore].replace(before, waiting)
    assert await world[MessageStore].get(world.server, before.message.id) == waiting
    later = replace(waiting, wake_at=NOW + 4_500)
    assert await world[MessageStore].replace(waiting, later)
    assert await world[MessageStore].get(world.server, before.message.id) == later
    waiting = later
    held = replace(
        waiting,
        state=State.HELD,
        status=Status.HELD,
        attempt=2,
        wake_at=0,
        by_sweeper=False,
        held=True,
        hold_expires_at=NOW + 86_400,
    )
    assert await world[MessageStore].replace(waiting, held)
    assert await world[MessageStore].get(world.server, before.message.id) == held


async def test_a_worker_that_lost_its_lease_changes_nothing(world: World) -> None:
    first = await leased(world)
    item_time = first.lease_until
    second = await world[MessageStore].claim(a_job(first.message), "w2", item_time, item_time + 300)
    assert isinstance(second, MessageRecord)
    assert not await world[MessageStore].replace(first, finished(first, 1))
    assert await world[MessageStore].get(world.server, first.message.id) == second
    assert await world[MessageStore].replace(second, finished(second, 2))
    log = await world[MessageStore].deliveries(world.server, first.message.id)
    assert [delivery.id for delivery in log] == [2]


async def test_an_outcome_is_written_once(world: World) -> None:
    before = await leased(world)
    assert await world[MessageStore].replace(before, finished(before, 1))
    assert not await world[MessageStore].replace(before, finished(before, 2))
    stranger = MessageRecord(a_message(world.server, 99))
    assert not await world[MessageStore].replace(stranger, finished(stranger, 3))


async def test_of_twenty_outcomes_at_once_one_is_written(world: World) -> None:
    before = await leased(world)
    results = await asyncio.gather(
        *(world[MessageStore].replace(before, finished(before, n)) for n in range(1, 21))
    )
    assert results.count(True) == 1
    log = await world[MessageStore].deliveries(world.server, before.message.id)
    assert [delivery.id for delivery in log] == [results.index(True) + 1]


async def test_the_log_keeps_every_delivery_and_the_record_the_newest_three(world: World) -> None:
    record = await leased(world)
    for number in range(1, 9):
        after = replace(record, attempt=number, deliveries=(*record.deliveries, a_delivery(number)))
        assert await world[MessageStore].replace(record, after)
        record = await world[MessageStore].get(world.server, record.message.id)
        assert [one.id for one in record.deliveries] == list(range(max(1, number - 2), number + 1))
    log = await world[MessageStore].deliveries(world.server, record.message.id)
    assert [delivery.id for delivery in log] == list(range(1, 9))
    assert log[0] == a_delivery(1)


async def test_deliveries_added_at_once_to_a_finished_message_are_all_kept(world: World) -> None:
    record = await leased(world)
    assert await world[MessageStore].replace(record, finished(record, 1))
    done = await world[MessageStore].get(world.server, record.message.id)
    added = [
        replace(done, deliveries=(*done.deliveries, a_delivery(n, Status.BOUNCED)))
        for n in range(2, 5)
    ]
    assert all(await asyncio.gather(*(world[MessageStore].replace(done, one) for one in added)))
    log = await world[MessageStore].deliveries(world.server, record.message.id)
    assert sorted(delivery.id for delivery in log) == [1, 2, 3, 4]


async def test_five_deliveries_may_be_added_by_one_outcome(world: World) -> None:
    record = await leased(world)
    added = tuple(a_delivery(number) for number in range(1, 6))
    after = replace(record, attempt=1, state=State.DONE, lease_owner="", deliveries=added)
    assert await world[MessageStore].replace(record, after)
    assert await world[MessageStore].deliveries(world.server, record.message.id) == added


@pytest.mark.parametrize("state", [State.WAITING, State.DONE])
async def test_a_record_can_be_replaced_while_nobody_has_a_lease(
    world: World, state: State
) -> None:
    message = a_message(world.server, 1)
    await world[MessageStore].create([message])
    before = await world[MessageStore].get(world.server, message.id)
    after = replace(before, state=state, attempt=1, status=Status.HOLD_CANCELLED)
    assert await world[MessageStore].replace(before, after)
    assert await world[MessageStore].get(world.server, message.id) == after


async def test_a_message_says_what_it_was_resent_as_whatever_becomes_of_it(world: World) -> None:
    store, record = world[MessageStore], await leased(world)
    for number in (7, 8, 7):
        await store.note_resent(world.server, record.message.id, Scope.OUTGOING, MessageId(number))
    assert await store.replace(record, finished(record, 1))
    assert (await store.get(world.server, record.message.id)).resent_as == (7, 8)
    await store.note_resent(world.server, MessageId(99), Scope.OUTGOING, MessageId(7))
    assert await store.get_many([(world.server, MessageId(99))]) == []


async def test_a_message_keeps_the_operation_that_made_it(world: World) -> None:
    store = world[MessageStore]
    message = a_message(world.server, 2, operation=an_operation("resend", 1))
    assert await store.create([message]) == [True]
    record = await store.get(world.server, message.id)
    assert (record.message, record.message.resend_of) == (message, 1)
    assert await store.claim(a_job(message), "w1", NOW, NOW + 300)
    assert (await store.get(world.server, message.id)).message == message


async def test_an_operation_is_stored_only_with_its_change(world: World) -> None:
    store, before = world[MessageStore], await leased(world)
    operation = an_operation("cancel", 1)
    assert await store.replace(before, finished(before, 1), operation)
    assert not await store.replace(before, finished(before, 2), operation)
    assert await store.get(world.server, before.message.id) == finished(before, 1)
