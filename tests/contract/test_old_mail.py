"""The oldest messages come first, and are forgotten with all that hangs on them, while nothing else is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.engagement import EngagementEvent, EngagementKind
from chalicelib.domain.errors import NotFound
from chalicelib.domain.model import BlobRef, DeliveryJob, Message, MessageRecord, Scope
from chalicelib.domain.numbering import MessageId
from chalicelib.ports.engagement import Engagement
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.old_mail import OldMail
from chalicelib.ports.progress import Progress
from chalicelib.ports.reports import Reports
from tests.contract.conftest import World
from tests.fakes import NOW, a_delivery, a_message, a_report

LATER = NOW + 86_400


async def accepted(world: World, *numbers: int) -> list[Message]:
    found = [
        a_message(world.server, one, scope=Scope.INCOMING if one % 2 else Scope.OUTGOING)
        for one in numbers
    ]
    await world[MessageStore].create(found)
    return found


async def test_the_oldest_of_both_directions_come_first(world: World) -> None:
    await accepted(world, 3, 1, 2, 5, 4)
    old = world[OldMail]
    first = await old.oldest(world.server, 0, 3)
    assert [one.message.id for one in first] == [1, 2, 3]
    rest = await old.oldest(world.server, 3, 10)
    assert [one.message.id for one in rest] == [4, 5]
    assert await old.oldest(world.server, 5, 10) == []


async def test_what_is_forgotten_leaves_nothing(world: World) -> None:
    gone, kept = await accepted(world, 1, 3)
    store, engagement = world[MessageStore], world[Engagement]
    for message in (gone, kept):
        record = await store.claim(DeliveryJob(message, 0), "w", NOW, NOW + 60)
        for number in range(1, 6):
            assert isinstance(record, MessageRecord)
            assert await store.replace(
                record, replace(record, deliveries=(*record.deliveries, a_delivery(number)))
            )
            record = await store.get(world.server, message.id)
        await engagement.keep_links(world.server, message.id, ["https://a.test/"], LATER)
        hit = EngagementEvent(EngagementKind.CLICK, NOW, "192.0.2.1", "M", "https://a.test/")
        await engagement.record(world.server, message.id, hit, LATER)
        await world[Reports].add(world.server, a_report(message.id, message.id, MessageId(77)))
    old = world[OldMail]
    found = await old.oldest(world.server, 0, 1)
    await old.forget(found)
    await old.forget(found)  # as whoever died before it was noted does
    with pytest.raises(NotFound):
        await store.get(world.server, gone.id)
    assert await store.deliveries(world.server, gone.id) == ()
    assert await engagement.hits(world.server, gone.id, 10) == ()
    assert await world[Reports].of(world.server, gone.id) == ()
    with pytest.raises(NotFound):
        await world[Reports].get(world.server, int(gone.id))
    assert len(await store.deliveries(world.server, kept.id)) == 5
    assert len(await engagement.hits(world.server, kept.id, 10)) == 1
    assert len(await world[Reports].of(world.server, kept.id)) == 1


async def test_what_was_said_is_forgotten_alone(world: World) -> None:
    gone, kept = await accepted(world, 1, 3)
    store, old = world[MessageStore], world[OldMail]
    for message in (gone, kept):
        record = await store.claim(DeliveryJob(message, 0), "w", NOW, NOW + 60)
        for number in range(1, 6):
            assert isinstance(record, MessageRecord)
            said = None if number == 5 else b"\x01\x00said %d" % number
            added = (*record.deliveries, a_delivery(number, conversation=said))
            assert await store.replace(record, replace(record, deliveries=added))
            record = await store.get(world.server, message.id)
    before = await store.deliveries(world.server, kept.id)
    assert [one.conversation for one in before][2:] == [b"\x01\x00said 3", b"\x01\x00said 4", None]
    (found,) = await old.oldest(world.server, 0, 1)
    await old.forget_conversations([found])
    await old.forget_conversations([found])
    after = await store.deliveries(world.server, gone.id)
    assert after == tuple(replace(one, conversation=None) for one in before)
    assert await store.deliveries(world.server, kept.id) == before
    record = await store.get(world.server, gone.id)
    assert record.message == gone


async def test_a_body_is_put_elsewhere_once(world: World) -> None:
    (message,) = await accepted(world, 2)
    (record,) = await world[OldMail].oldest(world.server, 0, 1)
    for place in (BlobRef("elsewhere", 0, 5), BlobRef("elsewhere", 7, 5)):
        assert await world[OldMail].put_elsewhere(record, place)
        assert not await world[OldMail].put_elsewhere(record, BlobRef("late", 0, 5))
        found = await world[MessageStore].get(world.server, message.id)
        assert found.message == replace(message, blob=place)
        (record,) = await world[OldMail].oldest(world.server, 0, 1)


async def test_progress_is_kept_by_name(world: World) -> None:
    progress, name = world[Progress], f"work {world.server}"
    assert await progress.get(name) == ""
    await progress.put(name, "half")
    await progress.put(name, "most")
    assert await progress.get(name) == "most"
    assert await progress.get(f"other {world.server}") == ""
