"""Whole messages go from store to store as they are, and over what a worker has had only where it is known."""

from __future__ import annotations

from dataclasses import replace

from chalicelib.domain.engagement import EngagementEvent, EngagementKind
from chalicelib.domain.model import MessageRecord, Scope, State, Status
from chalicelib.domain.numbering import MessageId
from chalicelib.ports.engagement import Engagement
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.transfer import MessageTransfer, WholeMessage
from tests.contract.conftest import World
from tests.fakes import NOW, a_delivery, a_job, a_message

LATER = NOW + 86_400
OPENED = EngagementEvent(EngagementKind.OPEN, NOW + 2.25, "203.0.113.9", "Mozilla")
CLICKED = EngagementEvent(
    EngagementKind.CLICK, NOW + 3.5, "2001:db8::7", "", "https://acme.test/?ü", automatic=True
)


def whole(world: World, number: int = 1) -> WholeMessage:
    """A message that was delivered at the fifth attempt, opened, and clicked twice."""
    log = [a_delivery(one, Status.SOFT_FAIL, at=NOW + one) for one in range(1, 5)]
    record = MessageRecord(
        a_message(world.server, number),
        status=Status.SENT,
        state=State.DONE,
        attempt=5,
        tries=4,
        last_attempt_at=NOW + 5.0,
        links=2,
        opened_at=OPENED.at,
        clicked_at=CLICKED.at,
        deliveries=(*log, a_delivery(5, at=NOW + 5)),
    )
    hits = ((OPENED, LATER), (CLICKED, LATER), (CLICKED, LATER + 1))
    return WholeMessage(record, ("https://acme.test/?ü", "https://b.test/"), LATER, hits)


async def read(world: World, number: int = 1) -> WholeMessage:
    (record,) = await world[MessageStore].get_many([(world.server, MessageId(number))])
    (found,) = await world[MessageTransfer].whole([record])
    return found


async def test_what_was_added_is_read_whole(world: World) -> None:
    mails = [whole(world, number) for number in range(1, 61)]
    await world[MessageTransfer].add(mails)
    page = await world[MessageStore].page(world.server, Scope.OUTGOING, 100)
    found = await world[MessageTransfer].whole(page.values)
    assert found == mails[::-1]
    one = MessageId(60)
    assert await world[MessageStore].deliveries(world.server, one) == mails[-1].record.deliveries
    assert await world[Engagement].link(world.server, one, 2) == "https://b.test/"
    assert await world[Engagement].hits(world.server, one) == (OPENED, CLICKED, CLICKED)


async def test_what_is_over_is_not_read(world: World) -> None:
    await world[MessageTransfer].add([whole(world)])
    world.clock.advance(LATER - NOW)
    found = await read(world)
    assert (found.links, found.hits) == ((), ((CLICKED, LATER + 1),))
    assert (found.record.opened_at, found.record.clicked_at) == (OPENED.at, CLICKED.at)


async def test_a_message_that_waits_is_due_and_can_be_claimed(world: World) -> None:
    waiting = MessageRecord(a_message(world.server, 1), attempt=3, wake_at=NOW, by_sweeper=True)
    await world[MessageTransfer].add([WholeMessage(waiting)])
    assert waiting in await world[MessageStore].due(NOW, 100)
    found = await world[MessageStore].claim(a_job(waiting.message, 3), "me", NOW, NOW + 60)
    assert isinstance(found, MessageRecord)


async def test_a_message_is_renewed_as_it_became(world: World) -> None:
    before = whole(world)
    first = replace(
        before,
        record=replace(
            before.record,
            state=State.HELD,
            attempt=4,
            opened_at=None,
            clicked_at=None,
            deliveries=before.record.deliveries[:2],
        ),
        hits=(),
    )
    await world[MessageTransfer].add([first])
    for known in (first.record, before.record):
        assert await world[MessageTransfer].renew(known, before) is True
        assert await read(world) == before


async def test_what_a_worker_has_had_is_not_renewed(world: World) -> None:
    waiting = MessageRecord(a_message(world.server, 1), wake_at=NOW, by_sweeper=True)
    await world[MessageTransfer].add([WholeMessage(waiting)])
    leased = await world[MessageStore].claim(a_job(waiting.message), "me", NOW, NOW + 60)
    assert isinstance(leased, MessageRecord)
    assert await world[MessageTransfer].renew(waiting, WholeMessage(waiting)) is False
    assert (await read(world)).record == leased
    after = WholeMessage(replace(leased, lease_until=1))
    assert await world[MessageTransfer].renew(replace(leased, lease_owner="x"), after) is False
    assert await world[MessageTransfer].renew(leased, after) is True
