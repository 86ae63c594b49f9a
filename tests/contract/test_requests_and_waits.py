"""Messages of one request are found together, and what waits for the same is counted."""

from __future__ import annotations

from dataclasses import replace

from chalicelib.domain import lifecycle
from chalicelib.domain.model import DeliveryJob, Message, MessageRecord, Scope, Status
from chalicelib.domain.numbering import MessageId
from chalicelib.domain.search.mail_filter import MailFilter
from chalicelib.ports.messages import MessageStore
from chalicelib.services.messages.find import FindMail
from chalicelib.services.messages.waiting import WaitingMail
from tests.contract.conftest import World
from tests.fakes import NOW, a_delivery, a_message


async def stored(world: World, *messages: Message) -> None:
    await world[MessageStore].create(messages)


async def tried(world: World, message: Message, **delivery: object) -> MessageRecord:
    """A message that waits for its second attempt."""
    store = world[MessageStore]
    record = await store.claim(DeliveryJob(message, 0), "w", NOW, NOW + 60)
    assert isinstance(record, MessageRecord)
    after = lifecycle.waiting(
        record, a_delivery(1, Status.SOFT_FAIL, **delivery), NOW + 300, reply_lost=False
    )
    assert await store.replace(record, after)
    return await store.get(world.server, message.id)


async def test_a_request_is_found_by_its_first_message(world: World) -> None:
    server, first = world.server, MessageId(5)
    others = [
        replace(
            a_message(server, number, scope=Scope.INCOMING if number % 2 else Scope.OUTGOING),
            request=first,
        )
        for number in range(6, 40)
        if number != 20  # one that was erased
    ]
    foreign = [a_message(server, 4), replace(a_message(server, 41), request=MessageId(40))]
    await stored(world, a_message(server, first), *others, *foreign)
    find, wanted = world[FindMail], MailFilter(request=first)
    numbers = [first, *(one.id for one in others)]
    whole = await find.page(server, wanted, 100)
    assert ([one.message.id for one in whole.records], whole.position) == (numbers, None)
    found, position, pages = list[int](), None, 0
    while True:
        page = await find.page(server, wanted, 9, position)
        found += [one.message.id for one in page.records]
        position, pages = page.position, pages + 1
        if position is None:
            break
    assert (found, pages) == (numbers, 4)
    incoming = await find.page(server, replace(wanted, scope=Scope.INCOMING), 100)
    assert {one.message.scope for one in incoming.records} == {Scope.INCOMING}
    alone = await find.page(server, MailFilter(request=MessageId(4)), 100)
    assert [one.message.id for one in alone.records] == [4]


async def test_others_wait_for_the_same_at_the_same_place(world: World) -> None:
    server, waiting = world.server, world[WaitingMail]
    places = ("a@one.test", "b@One.test", "c@two.test", "d@one.test")
    messages = [a_message(server, at, rcpt_to=to) for at, to in enumerate(places, 1)]
    await stored(world, *messages)
    new = await world[MessageStore].get(server, messages[3].id)
    assert await waiting.others(new) is None
    no_source = {"details": "No egress source of pool default is available.", "output": None}
    records = [await tried(world, one) for one in messages[:3]]
    records.append(await tried(world, messages[3], **no_source))
    assert [await waiting.others(one) for one in records] == [1, 1, 0, 0]
