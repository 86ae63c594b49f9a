"""Lists of messages: newest first in pages, by flag, by recipient, and what is due."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial

import pytest

from chalicelib.domain.errors import Rejected
from chalicelib.domain.model import Message, MessageRecord, Scope, State, Status
from chalicelib.domain.paging import Page
from chalicelib.ports.messages import Flagged, MessageStore
from tests.contract.conftest import World
from tests.contract.test_message_store_claims import claimed
from tests.fakes import NOW, a_delivery, a_job, a_message, a_server_id

FOREVER = 10_000_000


async def put(world: World, message: Message, **changes: object) -> MessageRecord:
    """A message that an attempt has brought into some state."""
    before = await claimed(world, MessageRecord(message))
    after = replace(before, attempt=1, lease_owner="", lease_until=0, **changes)  # type: ignore[arg-type]
    assert await world[MessageStore].replace(before, after)
    return after


async def walk(read: Callable[[str | None], Awaitable[Page[MessageRecord]]]) -> list[list[int]]:
    """The ids of every page."""
    pages: list[list[int]] = []
    cursor: str | None = None
    while True:
        page = await read(cursor)
        pages.append([record.message.id for record in page.values])
        cursor = page.next_cursor
        if cursor is None:
            return pages


async def test_pages_are_newest_first_and_complete(world: World) -> None:
    store, server = world[MessageStore], world.server
    await store.create([a_message(server, number) for number in (3, 1, 2, 5, 4, 7, 6)])
    await store.create([a_message(server, 8, scope=Scope.INCOMING)])
    await store.create([a_message(a_server_id(), 9)])
    pages = await walk(lambda cursor: store.page(server, Scope.OUTGOING, 3, cursor))
    assert pages == [[7, 6, 5], [4, 3, 2], [1]]
    pages = await walk(lambda cursor: store.page(server, Scope.INCOMING, 3, cursor))
    assert pages == [[8]]


async def test_a_page_that_is_just_full_is_the_last(world: World) -> None:
    await world[MessageStore].create([a_message(world.server, number) for number in (1, 2, 3)])
    page = await world[MessageStore].page(world.server, Scope.OUTGOING, 3)
    assert [record.message.id for record in page.values] == [3, 2, 1]
    assert page.next_cursor is None
    empty = await world[MessageStore].page(a_server_id(), Scope.OUTGOING, 3)
    assert empty == Page(())


async def test_messages_that_come_between_two_pages_move_nothing(world: World) -> None:
    store, server = world[MessageStore], world.server
    await store.create([a_message(server, number) for number in range(1, 7)])
    first = await store.page(server, Scope.OUTGOING, 2)
    await store.create([a_message(server, 7)])
    second = await store.page(server, Scope.OUTGOING, 2, first.next_cursor)
    assert [record.message.id for record in second.values] == [4, 3]


async def test_a_cursor_of_another_list_is_rejected(world: World) -> None:
    store, server = world[MessageStore], world.server
    other = a_server_id()
    await store.create([a_message(server, n, rcpt_to="a@example.com") for n in (1, 2)])
    await store.create([a_message(other, n) for n in (1, 2)])
    mine = (await store.page(server, Scope.OUTGOING, 1)).next_cursor
    assert mine is not None
    theirs = (await store.page(other, Scope.OUTGOING, 1)).next_cursor
    for cursor in (theirs, "", "x", mine[:-2], mine + "AAAA", "é" * 5, "A" * 100_000):
        with pytest.raises(Rejected):
            await store.page(server, Scope.OUTGOING, 1, cursor)
    with pytest.raises(Rejected):
        await store.page(server, Scope.INCOMING, 1, mine)
    with pytest.raises(Rejected):
        await store.flagged(server, Scope.OUTGOING, "held", 1, mine)
    with pytest.raises(Rejected):
        await store.by_recipient(server, "a@example.com", 1, mine)


async def test_flags_list_what_waits_for_somebody(world: World) -> None:
    store, server = world[MessageStore], world.server
    await store.create([a_message(server, 1)])
    await put(world, a_message(server, 2), state=State.DONE, status=Status.SENT)
    await put(world, a_message(server, 3), state=State.HELD, status=Status.HELD, held=True)
    await put(world, a_message(server, 4), state=State.WAITING, status=Status.SOFT_FAIL)
    await put(world, a_message(server, 5), state=State.DONE, status=Status.HARD_FAIL)
    await put(world, a_message(server, 6), state=State.DONE, status=Status.BOUNCED)
    await put(world, a_message(server, 7), state=State.HELD, status=Status.HELD, held=True)
    await put(world, a_message(server, 8), state=State.DONE, status=Status.HOLD_CANCELLED)
    found = {
        flag: await walk(partial(store.flagged, server, Scope.OUTGOING, flag, 1))
        for flag in ("held", "queued", "failed", "bounced")
    }
    assert found == {"held": [[7], [3]], "queued": [[4]], "failed": [[5]], "bounced": [[6]]}


async def test_a_retry_under_way_stays_queued_until_it_is_over(world: World) -> None:
    store, server = world[MessageStore], world.server
    record = await put(world, a_message(server, 4), state=State.WAITING, status=Status.SOFT_FAIL)
    leased = await claimed(world, record)
    page = await store.flagged(server, Scope.OUTGOING, "queued", 5)
    assert [one.state for one in page.values] == [State.LEASED]
    sent = replace(leased, state=State.DONE, status=Status.SENT, attempt=2, lease_owner="")
    assert await store.replace(leased, sent)
    assert (await store.flagged(server, Scope.OUTGOING, "queued", 5)).values == ()


async def test_recipients_are_found_without_case(world: World) -> None:
    store, server = world[MessageStore], world.server
    addresses = ["Ann@Example.com", "ann@example.com", "bob@example.com", "ANN@EXAMPLE.COM"]
    await store.create([a_message(server, n, rcpt_to=a) for n, a in enumerate(addresses, 1)])
    await store.create([a_message(a_server_id(), 9, rcpt_to="ann@example.com")])
    pages = await walk(lambda cursor: store.by_recipient(server, "aNN@example.com", 2, cursor))
    assert pages == [[4, 2], [1]]
    assert (await store.by_recipient(server, "carl@example.com", 2)).values == ()


async def test_hard_fails_of_a_recipient_are_counted_since_a_time(world: World) -> None:
    store, server = world[MessageStore], world.server
    for number, (status, received_at) in enumerate(
        [
            (Status.HARD_FAIL, NOW - 90_000.0),
            (Status.HARD_FAIL, NOW - 10.0),
            (Status.SENT, NOW - 9.0),
            (Status.HARD_FAIL, NOW - 8.0),
        ],
        1,
    ):
        message = a_message(server, number, rcpt_to="Ann@example.com", received_at=received_at)
        await put(world, message, state=State.DONE, status=status)
    assert await store.hard_fails(server, "ann@EXAMPLE.com", NOW - 86_400) == 2
    assert await store.hard_fails(server, "ann@example.com", NOW - 100_000) == 3
    assert await store.hard_fails(server, "bob@example.com", NOW - 100_000) == 0


async def test_failures_that_say_nothing_of_the_recipient_are_not_counted(world: World) -> None:
    """What was stored before deliveries said so counts, as it did."""
    store, server = world[MessageStore], world.server
    for number, about_us in enumerate([True, False, True, None], 1):
        message = a_message(server, number, rcpt_to="dora@example.com", received_at=float(NOW))
        soft = a_delivery(number + 10, Status.SOFT_FAIL)
        last = a_delivery(number + 20, Status.HARD_FAIL, about_us=bool(about_us))
        log = () if about_us is None else (soft, last)
        await put(world, message, state=State.DONE, status=Status.HARD_FAIL, deliveries=log)
    assert await store.hard_fails(server, "dora@example.com", NOW - 10) == 2


async def due_here(world: World, now: int) -> list[int]:
    """Ids of this test's server that are due: the index is shared with other tests."""
    found = await world[MessageStore].due(now, FOREVER)
    return [one.message.id for one in found if one.message.server_id == world.server]


async def waiting(world: World, number: int, wake_at: int, **changes: object) -> MessageRecord:
    """A record in the due index."""
    values = {"state": State.WAITING, "status": Status.SOFT_FAIL, "wake_at": wake_at}
    message = a_message(world.server, number)
    return await put(world, message, **(values | {"by_sweeper": True} | changes))


async def test_due_records_come_earliest_first(world: World) -> None:
    for number, wake_at in ((1, 400), (2, 100), (3, 300), (4, 200), (5, 500)):
        await waiting(world, number, NOW + wake_at)
    await waiting(world, 6, NOW + 50, by_sweeper=False)
    assert await due_here(world, NOW + 99) == []
    assert await due_here(world, NOW + 400) == [2, 4, 3, 1]
    assert await due_here(world, NOW + 1_000) == [2, 4, 3, 1, 5]


async def test_the_number_of_due_records_is_limited(world: World) -> None:
    for number in range(1, 12):
        await waiting(world, number, 1_000 + number)
    found = await world[MessageStore].due(NOW, 4)
    times = [record.wake_at for record in found]
    assert len(times) == 4
    assert times == sorted(times)
    for number in range(1, 12):  # the index is shared: leave it as it was
        record = await world[MessageStore].get(world.server, a_message(world.server, number).id)
        assert await world[MessageStore].clear_due(record)


async def test_an_expired_hold_is_due(world: World) -> None:
    held = {"state": State.HELD, "status": Status.HELD, "held": True}
    await put(world, a_message(world.server, 1), hold_expires_at=NOW + 60, **held)
    await put(world, a_message(world.server, 2), hold_expires_at=None, **held)
    assert await due_here(world, NOW + 59) == []
    assert await due_here(world, NOW + 60) == [1]


async def test_a_swept_record_leaves_the_index_unless_it_has_moved_on(world: World) -> None:
    record = await waiting(world, 1, NOW)
    stale = replace(record, attempt=0)
    assert not await world[MessageStore].clear_due(stale)
    assert await due_here(world, NOW) == [1]
    assert await world[MessageStore].clear_due(record)
    assert await due_here(world, NOW) == []
    stored = await world[MessageStore].get(world.server, record.message.id)
    assert stored == replace(record, by_sweeper=False)
    assert not await world[MessageStore].clear_due(MessageRecord(a_message(world.server, 77)))


async def test_a_claim_takes_the_record_out_of_the_due_index(world: World) -> None:
    record = await waiting(world, 1, NOW)
    found = await world[MessageStore].claim(a_job(record.message, 1), "w1", NOW, NOW + 300)
    assert isinstance(found, MessageRecord)
    assert found.by_sweeper is False
    assert await due_here(world, NOW) == []
    assert await world[MessageStore].clear_due(record)
    assert (await world[MessageStore].get(world.server, record.message.id)).state is State.LEASED


async def test_each_message_of_a_page_has_its_newest_deliveries(world: World) -> None:
    store, server = world[MessageStore], world.server
    counts = {1: 0, 2: 1, 3: 3, 4: 5, 5: 1}
    for number, count in counts.items():
        log = tuple(a_delivery(10 * number + each) for each in range(count))
        await put(world, a_message(server, number), status=Status.SENT, deliveries=log)
    page = await store.page(server, Scope.OUTGOING, 10)
    found = {record.message.id: [one.id for one in record.deliveries] for record in page.values}
    assert found == {1: [], 2: [20], 3: [30, 31, 32], 4: [42, 43, 44], 5: [50]}


async def test_what_has_a_flag_is_counted_up_to_a_number(world: World) -> None:
    store, server = world[MessageStore], world.server
    for number in (3, 1, 2):
        message = a_message(server, number, received_at=NOW - 100.0 * number)
        await put(world, message, state=State.HELD, status=Status.HELD, held=True)
    await put(world, a_message(server, 9), state=State.DONE, status=Status.SENT)
    await put(world, a_message(a_server_id(), 1), state=State.HELD, status=Status.HELD, held=True)
    found = await store.count_flagged(server, Scope.OUTGOING, "held", 10)
    assert found == Flagged(3, NOW - 100.0)  # the lowest number came first
    assert (await store.count_flagged(server, Scope.OUTGOING, "held", 2)).count == 2
    for scope, flag in ((Scope.INCOMING, "held"), (Scope.OUTGOING, "queued")):
        assert await store.count_flagged(server, scope, flag, 10) == Flagged()
