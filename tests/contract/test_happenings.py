"""What happens beside messages, and what first happens to one, is told to the consumers of the outbox, once."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bench.changes import Changes
from chalicelib.adapters.aws.dynamo.changes import read_changes
from chalicelib.adapters.sqlite.feed import EventFeed
from chalicelib.domain import lifecycle
from chalicelib.domain.changes import (
    Change,
    Done,
    Happened,
    HitAdded,
    LogEntry,
    Mark,
    Marked,
    MessageChange,
    Reported,
)
from chalicelib.domain.deeds import Deed
from chalicelib.domain.durations import DAY
from chalicelib.domain.engagement import EngagementEvent, EngagementKind
from chalicelib.domain.errors import Conflict
from chalicelib.domain.jobs import Job
from chalicelib.domain.model import Message, MessageRecord, Scope, Status
from chalicelib.domain.numbering import MessageId, OrganizationId
from chalicelib.domain.occurrence import EventType, Occurrence
from chalicelib.domain.suppression import Reason, Suppression, SuppressionScope, list_of
from chalicelib.domain.suppression_told import happened
from chalicelib.domain.tenancy.audit import Acting, Actor
from chalicelib.domain.tenancy.audit_deeds import Told, deed_of
from chalicelib.ports.engagement import Engagement
from chalicelib.ports.happenings import Happenings
from chalicelib.ports.jobs import Jobs
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.reports import Reports
from chalicelib.ports.suppressions import SuppressionList
from chalicelib.ports.unsubscribe_links import UnsubscribeLink, UnsubscribeLinks
from chalicelib.services.outgoing.unsubscribe import Offer, Unsubscribe
from tests.contract.conftest import World
from tests.fakes import (
    NOW,
    a_delivery,
    a_job,
    a_message,
    a_report,
    a_server,
    a_server_id,
    an_organization,
)

ONE = MessageId(1)
Look = Callable[[], Any]


@pytest.fixture
async def told(world: World) -> Look:
    """What consumers are told of the world's server since the last look."""
    stream = Changes(world.settings.mail_table) if world.family == "aws" else None

    async def look() -> list[Change]:
        if stream is not None:
            found = read_changes(stream.take())
        else:
            found, position = world[EventFeed].read()
            await world[EventFeed].move(position)
        return [one for one in found if _server_of(one) == world.server]

    return look


def _server_of(change: Change) -> int:
    return change.after.message.server_id if isinstance(change, MessageChange) else change.server


def suppressed(world: World, **changes: Any) -> Occurrence:
    told = Occurrence(
        EventType.SUPPRESSION_ADDED, world.server, NOW + 0.5, "d1ge57", detail='{"address":"ä"}'
    )
    return replace(told, **changes)


async def a_stored(world: World, number: int = 1, **changes: Any) -> Message:
    message = a_message(world.server, number, **changes)
    assert await world[MessageStore].create([message]) == [True]
    return message


async def test_what_is_noted_is_told(world: World, told: Look) -> None:
    limit = suppressed(world, type=EventType.SERVER_LIMIT_EXCEEDED, what="7/hour/500000", email=ONE)
    await world[Happenings].note([suppressed(world), limit])
    found = await told()
    assert {one.occurrence.name: one.occurrence for one in found} == {
        one.name: one for one in (suppressed(world), limit)
    }
    assert all(isinstance(one, Happened) and one.sequence.isdecimal() for one in found)
    await world[Happenings].note([])
    assert await told() == []


async def test_what_is_noted_again_within_a_day_is_told_once(world: World, told: Look) -> None:
    for _ in range(3):
        await world.another()[Happenings].note([suppressed(world)])
        await world[Happenings].note([suppressed(world, at=NOW + 9, detail=None)])
        world.clock.advance(20_000)
    other = suppressed(world, server=a_server_id())
    await world[Happenings].note([other, suppressed(world, what="another")])
    assert [one.occurrence.what for one in await told()] == ["d1ge57", "another"]


@pytest.mark.parametrize("mark", list(Mark))
async def test_a_mark_is_set_once_and_told_once(world: World, told: Told, mark: Mark) -> None:
    message = await a_stored(world)
    store = world[MessageStore]
    await told()
    ref = world.server, message.id, message.scope
    assert await store.mark(*ref, mark, NOW + 7.5, "17 ü")
    assert not await store.mark(*ref, mark, NOW + 9.5, "18")
    (marked,) = [one for one in await told() if isinstance(one, Marked)]
    assert replace(marked, sequence="", traits=None) == Marked(
        "", world.server, ONE, mark, NOW + 7.5, "17 ü"
    )
    record = await store.get(world.server, message.id)
    times = {Mark.COMPLAINED: record.complained_at, Mark.UNSUBSCRIBED: record.unsubscribed_at}
    assert times == {one: NOW + 7.5 if one is mark else None for one in Mark}


async def test_marks_outlive_attempts_and_do_not_hinder_them(world: World, told: Look) -> None:
    message = await a_stored(world)
    store = world[MessageStore]
    ref = world.server, message.id, message.scope
    claimed = await store.claim(a_job(message), "me", NOW, NOW + 60)
    assert isinstance(claimed, MessageRecord)
    assert await store.mark(*ref, Mark.UNSUBSCRIBED, NOW + 1.0, "{}")
    assert await store.replace(claimed, lifecycle.done(claimed, a_delivery(1)))
    assert await store.mark(*ref, Mark.COMPLAINED, NOW + 2.0, "4")
    record = await store.get(world.server, message.id)
    assert (record.unsubscribed_at, record.complained_at) == (NOW + 1.0, NOW + 2.0)
    assert record.status is Status.SENT
    found = [one for one in await told() if isinstance(one, Marked)]
    assert [(one.mark, one.detail) for one in found] == [
        (Mark.UNSUBSCRIBED, "{}"),
        (Mark.COMPLAINED, "4"),
    ]


async def test_a_message_that_is_gone_has_no_mark(world: World, told: Look) -> None:
    ref = world.server, ONE, Scope.OUTGOING
    assert not await world[MessageStore].mark(*ref, Mark.COMPLAINED, NOW, "1")
    assert await told() == []
    assert await world[MessageStore].get_many([(world.server, ONE)]) == []


async def test_a_report_is_told_once_and_not_when_it_was_brought(world: World, told: Look) -> None:
    report = a_report(7, ONE, MessageId(2))
    await world[Reports].add(world.server, report)
    await world[Reports].add(world.server, replace(report, id=8))
    await world[Reports].add(world.server, a_report(9, ONE, MessageId(3)), brought=True)
    (reported,) = await told()
    assert replace(reported, sequence="", traits=None) == Reported("", world.server, report)


async def test_each_hit_has_a_name_and_its_message(world: World, told: Look) -> None:
    message = await a_stored(world)
    await told()
    hit = EngagementEvent(EngagementKind.OPEN, NOW + 1.5, "192.0.2.1", "Mozilla")
    for _ in range(2):
        await world[Engagement].record(world.server, message.id, hit, NOW + 999)
    found = [one for one in await told() if isinstance(one, HitAdded)]
    assert [(one.message, one.kind, one.at) for one in found] == [
        (ONE, EngagementKind.OPEN, NOW + 1.5)
    ] * 2
    assert len({one.hit for one in found}) == 2
    names = [(one.message, one.hit) for one in found]
    engagement = world[Engagement]
    asked = [*names, (MessageId(2), found[0].hit), (ONE, "9" * 9)]
    assert await engagement.named(world.server, asked) == dict.fromkeys(names, hit)
    assert await engagement.named(a_server_id(), names) == {}
    world.clock.advance(999)
    assert await engagement.named(world.server, names) == {}


async def test_a_log_tells_numbers_and_schedules(world: World, told: Look) -> None:
    message = await a_stored(world, scheduled_at=NOW + 900.5)
    store = world[MessageStore]
    claimed = await store.claim(a_job(message), "me", NOW, NOW + 60)
    assert isinstance(claimed, MessageRecord)
    delivery = a_delivery(31, Status.BOUNCED, report=5)
    assert await store.replace(claimed, lifecycle.done(claimed, delivery))
    found = await told()
    if world.family == "aws":
        assert [one.after.message.scheduled_at for one in found] == [NOW + 900.5] * len(found)
        assert found[-1].after.deliveries[-1] == delivery
        return
    accepted, bounced = found
    assert isinstance(accepted, LogEntry)
    assert (accepted.delivery, accepted.report, accepted.scheduled_at) == (None, None, NOW + 900.5)
    assert (bounced.delivery, bounced.report, bounced.scheduled_at) == (31, 5, NOW + 900.5)


async def test_what_is_told_of_a_list_is_stored_with_the_change(world: World, told: Look) -> None:
    port, server = world[SuppressionList], world.server
    entry = Suppression("Ann@example.com", "bounced", NOW, NOW + 60, created_by="ada")
    added = happened(EventType.SUPPRESSION_ADDED, server, entry, NOW)
    removed = happened(EventType.SUPPRESSION_REMOVED, server, entry, NOW + 1)
    assert not await port.remove(server, entry, removed)
    assert await port.put(server, entry, None, NOW, added)
    assert not await port.put(server, entry, None, NOW, added)
    assert [one.occurrence for one in await told()] == list(added)
    assert await port.remove(server, entry, removed)
    assert [one.occurrence for one in await told()] == list(removed)


def a_deed(world: World, name: str = "suppression/1") -> Deed:
    who = Acting(Actor("key", "ädä", None), "192.0.2.7", "r-1")
    what = Told("suppression", "id", "name", "create", {}, {"n": 1, "note": None})
    return deed_of(what, who, NOW, (OrganizationId(7), world.server, "acme/app"), name)


async def test_what_is_done_by_hand_is_stored_with_the_change(world: World, told: Look) -> None:
    lists, jobs, server = world[SuppressionList], world[Jobs], world.server
    entry = Suppression("Ann@example.com", "bounced", NOW, NOW + 60, created_by="ada")
    deed, other = a_deed(world), a_deed(world, "job/2")
    assert await lists.put(server, entry, None, NOW, (deed,))
    assert not await lists.put(server, entry, None, NOW, (other,))
    assert not await lists.remove(server, replace(entry, note="x"), (other,))
    job = Job("jbabcdefghij", "export", "acme/app", "{}", "ada", NOW)
    await jobs.add(server, job, (other,))
    with pytest.raises(Conflict):
        await jobs.add(server, job, (a_deed(world, "job/3"),))
    changed = await jobs.change(server, job, (a_deed(world, "job/4"),))
    assert changed is not None
    assert await jobs.change(server, job, (a_deed(world, "job/5"),)) is None
    found = await told()
    assert all(isinstance(one, Done) and one.sequence.isdecimal() for one in found)
    assert [one.deed for one in found] == [deed, other, a_deed(world, "job/4")]
    assert await lists.remove(server, entry, (a_deed(world, "suppression/6"),))
    assert [one.deed.name for one in await told()] == ["suppression/6"]


async def test_what_is_done_with_an_organizations_list_is_told_under_its_number(
    world: World, told: Look
) -> None:
    world.server = list_of(OrganizationId(a_server_id()))
    entry = Suppression("Ann@example.com", "bounced", NOW, NOW + 60)
    assert await world[SuppressionList].put(world.server, entry, None, NOW, (a_deed(world),))
    (done,) = await told()
    assert (done.server, done.deed) == (world.server, a_deed(world))


async def test_who_unsubscribes_from_a_message_that_is_gone_is_told_of_once(
    world: World, told: Look
) -> None:
    """As from one that is there: whatever is on the list before, and once for each message."""
    server = a_server(an_organization(), id=world.server)
    unsubscribe, lists = world[Unsubscribe], world[SuppressionList]
    later = int(NOW) + 365 * DAY
    bounced = Suppression("bob@example.com", Reason.BOUNCE.text, NOW - 9, later, stream="news")
    bounced = replace(bounced, scope=SuppressionScope.STREAM)
    assert await lists.put(world.server, bounced, None, NOW)
    names = ("ann@example.com", "bob@example.com", "ann@example.com")
    for number, name in enumerate(names, 1):
        link = UnsubscribeLink(world.server, MessageId(number), name, "news", later)
        await world[UnsubscribeLinks].keep(link)
        for _ in range(3):
            await unsubscribe.accept(Offer(link, server), whole_server=False)
            world.clock.advance(DAY + 1)
    found = [one.occurrence for one in await told() if isinstance(one, Happened)]
    left = [one for one in found if one.type is EventType.EMAIL_UNSUBSCRIBED]
    assert [json.loads(one.detail or "")["address"] for one in left] == list(names)
    assert len({one.name for one in left}) == 3
    assert [one.type for one in found].count(EventType.SUPPRESSION_ADDED) == 1
