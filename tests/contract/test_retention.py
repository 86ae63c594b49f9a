"""What a server keeps no longer is forgotten, and nothing else: by days, by size, and never what still waits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.durations import DAY
from chalicelib.domain.errors import NotFound
from chalicelib.domain.model import BlobRef, Message, MessageRecord, State, Status
from chalicelib.domain.retention import Retention, Spared, day_in, day_of
from chalicelib.ports.blobs import BlobStore
from chalicelib.ports.contents import Contents
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.old_mail import OldMail
from chalicelib.services.retention.forget_old import ForgetOld, Forgotten
from chalicelib.services.retention.give_back import GiveBack
from chalicelib.services.retention.preview import PreviewRetention
from chalicelib.services.retention.walk import first_since
from tests.contract.conftest import World
from tests.fakes import NOW, a_delivery, a_message

FOREVER = Retention(None, None, None)
SIZE = 1_000


class Mail:
    """Messages of one server, each at its time."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._last = 0

    async def request(
        self, at: float, *states: State, packed: bool = False, **changes: Any
    ) -> list[Message]:
        """One message for each state: of one body, or packed, with a body each beside the others."""
        count = len(states) if packed else 1
        bodies = [bytes([65 + n]) * SIZE for n in range(count)]
        refs = await self._world[BlobStore].put(self._world.server, bodies, at)
        made = []
        for n, state in enumerate(states):
            self._last += 1
            message = a_message(
                self._world.server,
                self._last,
                blob=refs[n % count],
                received_at=at,
                size=SIZE,
                **changes,
            )
            made.append(message)
            await self._world[MessageStore].create([message])
            await self._move(message, state)
        return made

    async def _move(self, message: Message, state: State) -> None:
        if state is State.WAITING:
            return
        before = MessageRecord(message)
        if message.scheduled_at is not None:
            before = await self._world[MessageStore].get(message.server_id, message.id)
        status = Status.HELD if state is State.HELD else Status.SENT
        after = replace(
            before,
            state=state,
            status=status,
            attempt=1,
            held=state is State.HELD,
            deliveries=(a_delivery(1, status, conversation=b"said"),),
        )
        assert await self._world[MessageStore].replace(before, after)


async def left(world: World) -> set[int]:
    """The messages that there are."""
    return {int(one.message.id) for one in await world[OldMail].oldest(world.server, 0, 1_000)}


async def readable(world: World, message: Message) -> bool:
    """Whether its content is there, by its record, or by what is known of it when that is gone."""
    try:
        blob = (await world[MessageStore].get(message.server_id, message.id)).message.blob
    except NotFound:
        blob = message.blob
    try:
        return len(await world[BlobStore].get(blob)) == SIZE
    except NotFound:
        return False


async def said(world: World, message: Message) -> bytes | None:
    """What was said in its delivery."""
    (delivery,) = await world[MessageStore].deliveries(message.server_id, message.id)
    return delivery.conversation


async def night(world: World, rules: Retention, at: float) -> tuple[Forgotten, Forgotten]:
    """One run for the server."""
    work = world[ForgetOld]
    messages = await work.messages(world.server, rules, at, lambda: False)
    return messages, await work.contents(world.server, rules, at, lambda: False)


DONE, HELD, WAITING = State.DONE, State.HELD, State.WAITING


async def test_messages_go_after_their_days_with_content_and_all(world: World) -> None:
    mail = Mail(world)
    (old,) = await mail.request(NOW, DONE)
    (held,) = await mail.request(NOW + 60, HELD)
    (waiting,) = await mail.request(NOW + 120, WAITING)
    (scheduled,) = await mail.request(NOW + 180, WAITING, scheduled_at=NOW + 300 * DAY)
    (young,) = await mail.request(NOW + 10 * DAY, DONE)
    rules = Retention(10, None, None)
    at = NOW + 10 * DAY + 3_600
    gone, _ = await night(world, rules, at)
    assert gone.messages == 1
    assert await left(world) == {held.id, waiting.id, scheduled.id, young.id}
    assert not await readable(world, old)
    for message in (held, waiting, scheduled, young):
        assert await readable(world, message)
    again, contents = await night(world, rules, at)
    assert (again.messages, contents.bytes) == (0, 0)


async def test_contents_go_before_their_messages(world: World) -> None:
    mail = Mail(world)
    (old,) = await mail.request(NOW, DONE)
    (held,) = await mail.request(NOW + 60, HELD)
    (young,) = await mail.request(NOW + 5 * DAY, DONE)
    _, gone = await night(world, Retention(60, 5, None), NOW + 5 * DAY + 7_200)
    assert gone.bytes == SIZE
    assert await left(world) == {old.id, held.id, young.id}
    assert [await readable(world, one) for one in (old, held, young)] == [False, True, True]
    assert await world[Contents].counted(world.server) == 2 * SIZE


async def test_what_was_said_goes_with_the_content(world: World) -> None:
    mail = Mail(world)
    (old,) = await mail.request(NOW, DONE)
    first, second = await mail.request(NOW + 30, DONE, DONE)
    (held,) = await mail.request(NOW + 60, HELD)
    (young,) = await mail.request(NOW + 5 * DAY, DONE)
    everybody = (old, first, second, held, young)
    assert [await said(world, one) for one in everybody] == [b"said"] * 5
    await night(world, Retention(60, 5, None), NOW + 5 * DAY + 7_200)
    assert [await said(world, one) for one in everybody] == [None, None, None, b"said", b"said"]


async def test_a_body_stays_as_long_as_one_recipient_waits(world: World) -> None:
    sent, held = await Mail(world).request(NOW, DONE, HELD)
    await night(world, Retention(60, 1, None), NOW + 30 * DAY)
    assert await readable(world, sent)
    assert await readable(world, held)
    await night(world, Retention(1, 1, None), NOW + 30 * DAY)
    assert await left(world) == {held.id}
    assert await readable(world, held)


async def test_a_packed_body_is_forgotten_though_one_beside_it_stays(world: World) -> None:
    gone, other, held = await Mail(world).request(NOW, DONE, DONE, HELD, packed=True)
    await night(world, Retention(60, 1, None), NOW + 30 * DAY)
    assert [await readable(world, one) for one in (gone, other, held)] == [False, False, True]
    for one in (gone, other):
        with pytest.raises(NotFound):  # neither where it was
            await world[BlobStore].get(one.blob)
    assert await world[Contents].counted(world.server) == SIZE
    again = await night(world, Retention(60, 1, None), NOW + 30 * DAY)
    assert again[1].bytes == 0
    assert await readable(world, held)


async def test_no_day_of_content_spares_what_waits_alone(world: World) -> None:
    done, held = await Mail(world).request(NOW, DONE, HELD, packed=True)
    await night(world, Retention(60, 0, None), NOW + 3_600)
    assert not await readable(world, done)
    assert await readable(world, held)


async def test_the_oldest_contents_go_until_the_rest_is_small_enough(world: World) -> None:
    mail = Mail(world)
    made = [(await mail.request(NOW + day * DAY, DONE))[0] for day in range(5)]
    (held,) = await mail.request(NOW + 5 * DAY, HELD)
    await night(world, Retention(None, None, 3 * SIZE), NOW + 20 * DAY)
    assert [await readable(world, one) for one in made] == [False, False, False, True, True]
    assert await readable(world, held)
    assert await world[Contents].counted(world.server) == 3 * SIZE
    assert len(await left(world)) == 6


async def test_for_ever_is_for_ever(world: World) -> None:
    (message,) = await Mail(world).request(NOW, DONE)
    gone, contents = await night(world, FOREVER, NOW + 9_999 * DAY)
    assert (gone.messages, contents.bytes) == (0, 0)
    assert await readable(world, message)


async def test_a_run_that_is_cut_short_goes_on(world: World) -> None:
    mail = Mail(world)
    for n in range(3):
        for _ in range(3):
            await mail.request(NOW + n * DAY, DONE)
    work, rules, at = world[ForgetOld], Retention(60, 1, None), NOW + 30 * DAY
    begin, runs, freed = ("", 0), 0, 0
    while True:
        part = await work.contents(world.server, rules, at, lambda: True, begin)
        begin, runs, freed = (part.day, part.after), runs + 1, freed + part.bytes
        assert runs < 10
        if part.is_done:
            break
    assert runs > 1
    assert freed == 9 * SIZE
    assert await world[Contents].counted(world.server) == 0
    cut = await work.messages(world.server, Retention(1, 1, None), at, lambda: True)
    assert not cut.is_done
    await night(world, Retention(1, 1, None), at)
    assert await left(world) == set()


async def test_the_preview_says_what_the_run_then_does(world: World) -> None:
    mail = Mail(world)
    await mail.request(NOW, DONE)
    await mail.request(NOW, DONE, HELD)
    await mail.request(NOW + 60, WAITING)
    await mail.request(NOW + 120, WAITING, scheduled_at=NOW + 300 * DAY)
    await mail.request(NOW + 20 * DAY, DONE)
    world.clock.advance(21 * DAY)
    rules = Retention(30, 10, None)
    seen = await world[PreviewRetention].run(world.server, rules)
    assert (seen.messages, seen.contents, seen.bytes) == (0, 1, SIZE)
    assert seen.spared == {Spared.HELD: 1, Spared.WAITING: 1, Spared.SCHEDULED: 1}
    stricter = await world[PreviewRetention].run(world.server, Retention(10, 10, None))
    assert (stricter.messages, stricter.contents) == (2, 1)
    squeezed = await world[PreviewRetention].run(world.server, Retention(None, None, 1))
    assert squeezed.bytes == 2 * SIZE
    assert await world[Contents].counted(world.server) == 5 * SIZE
    _, gone = await night(world, rules, world.clock.now() + DAY)
    assert gone.bytes == seen.bytes


async def test_the_first_message_since_a_time_is_found_among_many(world: World) -> None:
    store = world[MessageStore]
    await store.create(
        [a_message(world.server, 7 * n + 1, received_at=NOW + n * 3_600.0) for n in range(50)]
    )
    for wanted in (0, 1, 20, 49):
        found = await first_since(world[OldMail], world.server, NOW + wanted * 3_600)
        assert 7 * (wanted - 1) + 1 <= found + 7
        assert found < 7 * wanted + 1
    assert await first_since(world[OldMail], world.server, NOW + 999_999) == 49 * 7 + 1


async def test_what_is_needed_is_put_elsewhere_and_its_messages_know(world: World) -> None:
    gone, kept, also = await Mail(world).request(NOW, DONE, HELD, HELD, packed=True)
    records = await world[OldMail].oldest(world.server, 0, 9)
    await world[GiveBack].run(world.server, {gone.blob}, records[1:], at_once=True)
    found = [await world[MessageStore].get(world.server, one.id) for one in (kept, also)]
    assert [await world[BlobStore].get(one.message.blob) for one in found] == [
        b"B" * SIZE,
        b"C" * SIZE,
    ]
    with pytest.raises(NotFound):
        await world[BlobStore].get(gone.blob)
    days = await world[Contents].days(world.server)
    assert set(days) == {day_of(NOW)}


def test_a_key_says_its_day() -> None:
    assert day_in("20261130/abc-1.seg") == day_in("r/12/20261130/ff") == "20261130"
    assert day_in("") == day_in(BlobRef("u/1/abc", 0, 1).key) == ""
