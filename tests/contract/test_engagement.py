"""Links, opens and clicks: kept beside their message, noted on it, and never in the way of a worker that has it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.engagement import EngagementEvent, EngagementKind
from chalicelib.domain.errors import NotFound
from chalicelib.domain.model import MessageRecord, State, Status
from chalicelib.domain.numbering import MessageId
from chalicelib.ports.engagement import Engagement
from chalicelib.ports.messages import MessageStore
from tests.contract.conftest import World
from tests.fakes import NOW, a_delivery, a_job, a_message, a_server_id

ONE = MessageId(1)
LATER = NOW + 86_400


def opened(at: float = NOW + 1, **changes: Any) -> EngagementEvent:
    values: dict[str, Any] = {"address": "203.0.113.9", "user_agent": "Mozilla/5.0 (X11)"}
    return EngagementEvent(EngagementKind.OPEN, at, **(values | changes))


def clicked(at: float = NOW + 2, **changes: Any) -> EngagementEvent:
    values: dict[str, Any] = {
        "address": "2001:db8::7",
        "user_agent": "",
        "url": "https://acme.test/?q=ü&r=\r\nX: y",
        "automatic": True,
    }
    return EngagementEvent(EngagementKind.CLICK, at, **(values | changes))


async def test_links_are_found_by_number(world: World) -> None:
    links = ["https://acme.test/", "http://acme.test/?a=1&b=ü", "https://acme.test/"]
    for _ in range(2):
        await world[Engagement].keep_links(world.server, ONE, links, LATER)
    found = [await world[Engagement].link(world.server, ONE, number) for number in (1, 2, 3)]
    assert found == links
    for server, message, number in (
        (world.server, ONE, 0),
        (world.server, ONE, 4),
        (world.server, ONE, -1),
        (world.server, MessageId(2), 1),
        (a_server_id(), ONE, 1),
    ):
        with pytest.raises(NotFound):
            await world[Engagement].link(server, message, number)


async def test_as_many_links_as_a_token_can_number(world: World) -> None:
    links = [f"https://acme.test/{number}/{'x' * 100}" for number in range(2_047)]
    await world[Engagement].keep_links(world.server, ONE, links, LATER)
    assert await world[Engagement].link(world.server, ONE, 2_047) == links[-1]


async def test_hits_are_kept_in_their_order(world: World) -> None:
    await world[MessageStore].create([a_message(world.server, ONE)])
    hits = [clicked(NOW + 3), opened(NOW + 1.125), opened(NOW + 2, automatic=True)]
    for hit in hits:
        await world[Engagement].record(world.server, ONE, hit, LATER)
    assert await world[Engagement].hits(world.server, ONE) == (hits[1], hits[2], hits[0])
    assert await world[Engagement].hits(world.server, ONE, 2) == (hits[2], hits[0])
    assert await world[Engagement].hits(world.server, MessageId(2)) == ()
    assert await world[Engagement].hits(a_server_id(), ONE) == ()


async def test_two_hits_in_the_same_millisecond_are_two(world: World) -> None:
    for _ in range(2):
        await world[Engagement].record(world.server, ONE, opened(), LATER)
    assert await world[Engagement].hits(world.server, ONE) == (opened(), opened())


async def test_the_message_shows_its_first_open_and_its_last_click(world: World) -> None:
    await world[MessageStore].create([a_message(world.server, ONE)])
    before = await world[MessageStore].get(world.server, ONE)
    assert (before.opened_at, before.clicked_at, before.links) == (None, None, None)
    for at in (5.5, 7.5):
        await world[Engagement].record(world.server, ONE, opened(NOW + at), LATER)
    for at in (8.25, 9.25, 8.5):
        await world[Engagement].record(world.server, ONE, clicked(NOW + at), LATER)
    # Another process does not know that the message was opened.
    await world.another()[Engagement].record(world.server, ONE, opened(NOW + 10), LATER)
    after = await world[MessageStore].get(world.server, ONE)
    assert after == replace(
        before, opened_at=NOW + 5.5, person_opened_at=NOW + 5.5, clicked_at=NOW + 9.25
    )


async def test_a_message_that_is_gone_stays_gone(world: World) -> None:
    await world[Engagement].record(world.server, ONE, opened(), LATER)
    await world[Engagement].record(world.server, ONE, clicked(), LATER)
    with pytest.raises(NotFound):
        await world[MessageStore].get(world.server, ONE)
    assert len(await world[Engagement].hits(world.server, ONE)) == 2


async def test_a_hit_between_claim_and_finish_disturbs_nobody(world: World) -> None:
    message = a_message(world.server, ONE)
    await world[MessageStore].create([message])
    claimed = await world[MessageStore].claim(a_job(message), "w1", NOW, NOW + 300)
    assert isinstance(claimed, MessageRecord)
    await world[Engagement].record(world.server, ONE, opened(), LATER)
    await world[Engagement].record(world.server, ONE, clicked(), LATER)
    during = await world[MessageStore].get(world.server, ONE)
    assert (during.state, during.lease_owner, during.attempt) == (State.LEASED, "w1", 0)
    after = replace(
        claimed,
        state=State.DONE,
        status=Status.SENT,
        attempt=1,
        lease_owner="",
        lease_until=0,
        links=3,
        deliveries=(a_delivery(1),),
    )
    assert await world[MessageStore].replace(claimed, after)
    stored = await world[MessageStore].get(world.server, ONE)
    assert stored == replace(after, opened_at=NOW + 1, person_opened_at=NOW + 1, clicked_at=NOW + 2)
    # And the other way round: what a worker read before a hit does not take the hit back.
    assert await world[MessageStore].replace(after, replace(after, state=State.WAITING, attempt=2))
    again = await world[MessageStore].get(world.server, ONE)
    assert (again.opened_at, again.clicked_at, again.links) == (NOW + 1, NOW + 2, 3)


async def test_the_first_open_and_click_of_a_person_are_told_from_a_machines(world: World) -> None:
    await world[MessageStore].create([a_message(world.server, ONE)])
    for at, automatic in ((1, True), (2, False), (3, True), (4, False)):
        await world[Engagement].record(
            world.server, ONE, opened(NOW + at, automatic=automatic), LATER
        )
        await world[Engagement].record(
            world.server, ONE, clicked(NOW + at, automatic=automatic), LATER
        )
    stored = await world[MessageStore].get(world.server, ONE)
    assert (stored.opened_at, stored.person_opened_at) == (NOW + 1, NOW + 2)
    assert (stored.clicked_at, stored.person_clicked_at) == (NOW + 4, NOW + 2)


async def test_a_persons_click_counts_though_a_machines_was_noted_first(world: World) -> None:
    await world[MessageStore].create([a_message(world.server, ONE)])
    await world[Engagement].record(world.server, ONE, clicked(NOW + 5), LATER)
    await world[Engagement].record(world.server, ONE, clicked(NOW + 4, automatic=False), LATER)
    stored = await world[MessageStore].get(world.server, ONE)
    assert (stored.clicked_at, stored.person_clicked_at) == (NOW + 5, NOW + 4)


async def test_the_deliveries_of_a_message_are_not_its_hits(world: World) -> None:
    message = a_message(world.server, ONE)
    await world[MessageStore].create([message])
    record = await world[MessageStore].get(world.server, ONE)
    log = tuple(a_delivery(number) for number in range(1, 6))
    assert await world[MessageStore].replace(record, replace(record, attempt=1, deliveries=log))
    await world[Engagement].keep_links(world.server, ONE, ["https://acme.test/"], LATER)
    await world[Engagement].record(world.server, ONE, opened(), LATER)
    assert [one.id for one in await world[MessageStore].deliveries(world.server, ONE)] == [
        1,
        2,
        3,
        4,
        5,
    ]
    assert len(await world[Engagement].hits(world.server, ONE)) == 1


async def test_links_and_hits_end_with_their_time(world: World) -> None:
    await world[Engagement].keep_links(world.server, ONE, ["https://acme.test/"], NOW + 100)
    await world[Engagement].record(world.server, ONE, opened(), NOW + 100)
    await world[Engagement].record(world.server, ONE, clicked(), NOW + 101)
    world.clock.advance(99)
    assert await world[Engagement].link(world.server, ONE, 1) == "https://acme.test/"
    assert await world[Engagement].hits(world.server, ONE) == (opened(), clicked())
    world.clock.advance(1)
    with pytest.raises(NotFound):
        await world[Engagement].link(world.server, ONE, 1)
    assert await world[Engagement].hits(world.server, ONE) == (clicked(),)
