"""What happens to a server's mail is listed and handed to webhooks as events, on both engines, however it is told."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from bench.changes import Changes
from chalicelib.adapters.aws.dynamo.changes import read_changes
from chalicelib.adapters.sqlite.feed import EventFeed
from chalicelib.domain import lifecycle
from chalicelib.domain.changes import Change, Mark, Operated
from chalicelib.domain.engagement import EngagementEvent, EngagementKind
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.events.event import Event
from chalicelib.domain.model import Arrival, MessageRecord, Scope, Status
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.occurrence import EventType, Occurrence
from chalicelib.ports.engagement import Engagement
from chalicelib.ports.event_log import EventLog
from chalicelib.ports.happenings import Happenings
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.reports import Reports
from chalicelib.services.events.compose import ComposeEvents
from chalicelib.services.events.hand_on_later import HandOnLater
from chalicelib.services.events.publish_events import PublishEvents
from chalicelib.services.tenancy.organizations import Organizations
from chalicelib.services.tenancy.servers import Servers
from tests.contract.conftest import World
from tests.fakes import NOW, a_delivery, a_job, a_message, a_report, a_server_id, an_operation

ONE, TWO, THREE, FOUR = (MessageId(number) for number in range(1, 5))
SETTLED = 10


class Receiver:
    """Webhooks of one server, as the publisher sees them; `fails` is how often they are away."""

    def __init__(self, server: ServerId) -> None:
        self.server = server
        self.got: list[Event] = []
        self.fails = 0

    async def wanted(self, server: ServerId) -> bool:
        return server == self.server

    async def take(self, server: ServerId, events: Sequence[Event]) -> int:
        assert server == self.server
        if self.fails:
            self.fails -= 1
            raise TemporaryFailure("away")
        self.got += events
        return len(events)


class Told:
    """A world's changes, from its beginning on."""

    def __init__(self, world: World) -> None:
        self._world = world
        is_aws = world.family == "aws"
        self._stream = Changes(world.settings.mail_table) if is_aws else None

    def all(self) -> list[Change]:
        """Those of the server."""
        if self._stream is not None:
            found = read_changes(self._stream.take())
        else:
            found, _ = self._world[EventFeed].read()
        return [one for one in found if _server(one) == self._world.server]


def _server(change: Any) -> ServerId:
    found: ServerId = change.after.message.server_id if hasattr(change, "after") else change.server
    return found


@pytest.fixture
async def told(world: World) -> Told:
    told = Told(world)
    await world.install()
    organization = await world[Organizations].create(f"Acme {secrets.token_hex(4)}")
    world.server = (await world[Servers].create(organization, "App")).id
    told.all()
    return told


async def play(world: World) -> None:
    """One of everything that a message can go through."""
    store, server = world[MessageStore], world.server
    hit = EngagementEvent(EngagementKind.CLICK, NOW + 6.5, "192.0.2.1", "Mozilla", "https://a.test")
    sent = a_message(server, ONE, tag="welcome", scheduled_at=NOW + 60.0)
    incoming = a_message(server, TWO, scope=Scope.INCOMING, arrival=Arrival("rt1"))
    held = a_message(server, THREE)
    gone = a_message(server, FOUR)
    await store.create([sent, incoming, held])
    claimed = await store.claim(a_job(sent), "w", NOW, NOW + 60)
    assert isinstance(claimed, MessageRecord)
    late = lifecycle.waiting(claimed, a_delivery(1, Status.SOFT_FAIL, at=NOW + 2.5), NOW + 300)
    assert await store.replace(claimed, late)
    done = lifecycle.done(late, a_delivery(2, at=NOW + 3.5))
    assert await store.replace(late, done)
    await world[Reports].add(server, a_report(9, ONE, TWO))
    bounced = lifecycle.done(done, a_delivery(3, Status.BOUNCED, at=NOW + 4.5, report=9))
    assert await store.replace(done, bounced)
    for kind in EngagementKind:
        await world[Engagement].record(server, ONE, replace(hit, kind=kind), NOW + 99_999)
    assert await store.mark(server, ONE, Scope.OUTGOING, Mark.COMPLAINED, NOW + 7.5, "9")
    assert await store.mark(server, ONE, Scope.OUTGOING, Mark.UNSUBSCRIBED, NOW + 8.5, '{"a":1}')
    before = await store.get(server, THREE)
    after = lifecycle.held(before, a_delivery(5, Status.HELD, at=NOW + 1.5), NOW + 999)
    assert await store.replace(
        before, after, an_operation("hold", THREE, before='{"status":"Pending"}')
    )
    freed = lifecycle.released(after, NOW + 20)
    assert await store.replace(
        after, freed, an_operation("release", THREE, attempt=2, at=NOW + 2.0)
    )
    again = lifecycle.held(freed, a_delivery(6, Status.HELD, at=NOW + 21.5), NOW + 999)
    assert await store.replace(freed, again)
    ended = lifecycle.done(again, a_delivery(7, Status.HOLD_CANCELLED, at=NOW + 30.0))
    assert await store.replace(again, ended, an_operation("cancel", THREE, attempt=4))
    await store.create([gone])
    failed = await store.get(server, FOUR)
    assert await store.replace(
        failed, lifecycle.done(failed, a_delivery(8, Status.HARD_FAIL, at=NOW + 31.0))
    )
    added = Occurrence(EventType.SUPPRESSION_ADDED, server, NOW + 32.0, "d", detail='{"a":2}')
    await world[Happenings].note([added])


EXPECTED = {
    ("email.scheduled", 1, "Pending"),
    ("email.received", 2, "Pending"),
    ("email.delayed", 1, "SoftFail"),
    ("email.delivered", 1, "Sent"),
    ("email.bounced", 1, "Bounced"),
    ("email.opened", 1, "Bounced"),
    ("email.clicked", 1, "Bounced"),
    ("email.complained", 1, "Bounced"),
    ("email.unsubscribed", 1, "Bounced"),
    ("email.released", 3, "Pending"),
    ("email.cancelled", 3, "HoldCancelled"),
    ("email.failed", 4, "HardFail"),
    ("suppression.added", None, None),
    ("email.held", 3, "Held"),
}


def summary(bodies: Sequence[Any]) -> list[tuple[str, int | None, str | None]]:
    emails = [one["data"].get("email", {}) for one in bodies]
    return [
        (one["type"], email.get("id"), email.get("status"))
        for one, email in zip(bodies, emails, strict=True)
    ]


async def listed(world: World) -> list[Any]:
    """As GET /events shows them."""
    world.clock.advance(SETTLED)
    page = await world[EventLog].page(world.server, limit=100)
    events = await world[ComposeEvents].compose(world.server, page.occurrences)
    return [json.loads(one.v2) for one in events if one.v2 is not None]


def publisher(world: World, receiver: Receiver) -> PublishEvents:
    webhooks: Any = receiver
    return PublishEvents(world[EventLog], world[ComposeEvents], webhooks, world[HandOnLater])


async def test_everything_is_listed_and_handed_on_with_the_same_bodies(
    world: World, told: Told
) -> None:
    await play(world)
    receiver = Receiver(world.server)
    await publisher(world, receiver).take("a", told.all())
    bodies = [json.loads(one.v2) for one in receiver.got if one.v2 is not None]
    assert set(summary(bodies)) == EXPECTED
    assert len(bodies) == len(EXPECTED) + 1  # it was held twice
    assert len({one["id"] for one in bodies}) == len(bodies)
    assert await listed(world) == bodies
    found = {one["type"]: one["data"] for one in bodies}
    assert found["email.cancelled"]["by"]["name"] == "Größer"
    assert found["email.delayed"]["next_attempt_at"] == "2027-01-15T08:05:00.000Z"
    assert found["email.held"]["hold_expires_at"] == "2027-01-15T08:16:39.000Z"
    assert found["email.bounced"]["report"]["id"] == found["email.complained"]["report"]["id"] == 9
    assert found["email.unsubscribed"]["suppression"] == {"a": 1}
    by_type = {one.occurrence.type: one for one in receiver.got}
    assert by_type[EventType.EMAIL_DELIVERED].tag == "welcome"
    assert by_type[EventType.EMAIL_RECEIVED].stream is None
    postal = by_type[EventType.EMAIL_BOUNCED].postal
    assert postal is not None
    assert json.loads(postal)["payload"]["bounce"]["id"] == TWO


async def test_a_replay_lists_nothing_twice_and_gives_no_other_ids(
    world: World, told: Told
) -> None:
    await play(world)
    changes = told.all()
    receiver = Receiver(world.server)
    publish = publisher(world, receiver)
    await publish.take("a", changes[:5])
    once = await listed(world)
    for start in range(len(changes)):
        await publish.take("a", changes[start:])
        await publish.take("a", changes[max(0, start - 3) : start + 1])
    bodies = await listed(world)
    assert bodies[: len(once)] == once
    assert len(bodies) == len(EXPECTED) + 1
    assert {one.id for one in receiver.got} == {one["id"] for one in bodies}


async def test_who_fails_gets_the_same_events_again(world: World, told: Told) -> None:
    await play(world)
    changes = told.all()
    receiver = Receiver(world.server)
    receiver.fails = 2
    for _ in range(2):
        with pytest.raises(TemporaryFailure):
            await publisher(world, receiver).take("a", changes)
    assert len(await listed(world)) == len(EXPECTED) + 1
    await publisher(world.another(), receiver).take("a", changes)
    assert {one.id for one in receiver.got} == {one["id"] for one in await listed(world)}


async def test_nothing_is_read_of_a_server_without_webhooks(
    world: World, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    await play(world)
    changes = told.all()

    async def read(*_: object) -> None:
        raise AssertionError("read")

    publish = publisher(world, Receiver(a_server_id()))
    with monkeypatch.context() as patch:
        patch.setattr(ComposeEvents, "compose", read)
        await publish.take("a", changes)
    assert await listed(world)


async def test_what_was_removed_meanwhile_keeps_nothing_back(
    world: World, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    await play(world)
    changes = told.all()
    compose = world[ComposeEvents]
    whole = compose._messages.get_many

    async def some(refs: Any) -> Any:
        return [one for one in await whole(refs) if one.message.id != ONE]

    monkeypatch.setattr(compose._messages, "get_many", some)
    receiver = Receiver(world.server)
    await publisher(world, receiver).take("a", changes)
    types = {one.occurrence.type.value for one in receiver.got}
    assert types == {one[0] for one in EXPECTED if one[1] != ONE}


async def test_a_body_that_cannot_be_made_keeps_nothing_back(
    world: World, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = a_message(world.server, 1, scope=Scope.INCOMING, metadata="not JSON")
    await world[MessageStore].create([message, a_message(world.server, 2, scope=Scope.INCOMING)])
    receiver = Receiver(world.server)
    await publisher(world, receiver).take("a", told.all())
    assert [one.occurrence.email for one in receiver.got] == [TWO]


async def test_a_change_that_cannot_be_read_keeps_nothing_back(world: World, told: Told) -> None:
    broken = an_operation("release", 1, before="not JSON")
    await world[MessageStore].create([a_message(world.server, 2, scope=Scope.INCOMING)])
    receiver = Receiver(world.server)
    changes = [Operated("0", world.server, ONE, broken), *told.all()]
    await publisher(world, receiver).take("a", changes)
    assert [one.occurrence.email for one in receiver.got] == [TWO]
