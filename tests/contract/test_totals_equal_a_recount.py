"""What is counted equals what a recount over everything stored gives, by server and by group.

Messages of many kinds are accepted, tried, held, released, opened, complained about and reported on, in the real
stores; the real outbox is told by the engine's own feed, in batches cut anywhere, of which some come again and some in
another order between sources; its counters die before and after writes, and are folded meanwhile.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from bench.changes import Changes
from chalicelib.adapters.aws.dynamo.changes import read_changes
from chalicelib.adapters.sqlite.feed import EventFeed
from chalicelib.domain import lifecycle
from chalicelib.domain.changes import UNPROVEN, Change, Mark, MessageChange
from chalicelib.domain.durations import DAY, HOUR
from chalicelib.domain.engagement import EngagementEvent, EngagementKind
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.groups import Dimension, Failure
from chalicelib.domain.inspection import Inspection, Spam
from chalicelib.domain.latency import bucket_of
from chalicelib.domain.model import Arrival, Delivery, MessageRecord, Origin, Scope, Status
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.operations import RELEASE
from chalicelib.domain.periods import Period
from chalicelib.domain.report import ReportFilter, ReportKind
from chalicelib.domain.statistics import Count, delivery_counts
from chalicelib.ports.engagement import Engagement
from chalicelib.ports.group_counts import GroupCounts, Span
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.reports import Reports
from chalicelib.ports.statistics import Statistics
from chalicelib.services.events.count_changes import CountChanges
from chalicelib.services.events.count_groups import CountGroups
from chalicelib.services.events.index_mail import IndexMail
from chalicelib.services.events.outbox import Outbox
from chalicelib.services.events.publish_events import PublishEvents
from chalicelib.services.events.record_operations import RecordOperations
from tests.contract.conftest import World
from tests.fakes import NOW, a_delivery, a_message, a_report, an_operation

MESSAGES = 25
STEPS = 70
DEATH = 0.06
DAY_NOW = NOW // DAY * DAY
OUTCOMES = {
    Status.SENT: Count.SENT,
    Status.SOFT_FAIL: Count.SOFT_FAILS,
    Status.HARD_FAIL: Count.HARD_FAILS,
    Status.HELD: Count.HELD,
    Status.BOUNCED: Count.BOUNCES,
}
CAUSES = {Status.SOFT_FAIL: "rate", Status.HARD_FAIL: "recipient_unknown"}
Sums = dict[str, Counter[str]]


class Mortal:
    """A port whose `add` fails now and then, before or after it was done."""

    def __init__(self, port: Any, dice: random.Random) -> None:
        self._port = port
        self._dice = dice
        self.armed = True
        self.deaths = 0

    async def add(self, *given: Any) -> None:
        self._roll()
        await self._port.add(*given)
        self._roll()

    def _roll(self) -> None:
        if self.armed and self._dice.random() < DEATH:
            self.deaths += 1
            raise TemporaryFailure("gone")


class Play:
    """Mail of one server."""

    def __init__(self, world: World, dice: random.Random) -> None:
        self.world = world
        self.dice = dice
        self.store = world[MessageStore]
        self.released = 0
        self.proven: set[MessageId] = set()
        self.number = 0

    def at(self) -> float:
        """One of a few times in several hours."""
        return NOW + self.dice.choice([1, 40, 50 * 60, 3 * HOUR, 4 * HOUR]) + 0.5

    def next(self) -> int:
        self.number += 1
        return self.number

    async def begin(self) -> None:
        for number in range(1, MESSAGES + 1):
            incoming = number % 4 == 0
            message = a_message(
                self.world.server,
                number,
                scope=Scope.INCOMING if incoming else Scope.OUTGOING,
                rcpt_to=f"p{number}@{self.dice.choice(['gmail.com', 'Web.de', 'example.com'])}",
                mail_from=self.dice.choice(["", "a@acme.test", "b@other.test"]),
                tag=self.dice.choice([None, "welcome", "Grüße"]),
                stream=self.dice.choice([None, "broadcast"]),
                origin=Origin("default", "acme.test", self.dice.choice(["", "k1", "k2"])),
                arrival=Arrival(route_id="r1") if incoming else None,
                received_at=float(NOW),
            )
            assert await self.store.create([message]) == [True]

    async def step(self) -> None:
        number = MessageId(self.dice.randint(1, MESSAGES))
        record = await self.store.get(self.world.server, number)
        kind = self.dice.choice([self.tried, self.tried, self.hit, self.marked, self.reported])
        # What was not tried yet was not delivered, and nobody knows who receives it.
        await (kind if record.deliveries else self.tried)(record)

    async def tried(self, record: MessageRecord) -> None:
        """An attempt, or the release of what is held."""
        operation = None
        if record.held and self.dice.random() < 0.6:
            operation = an_operation(RELEASE, record.message.id, at=self.at())
            after = lifecycle.released(record, NOW)
            self.released += 1
        else:
            status = self.dice.choice(list(OUTCOMES))
            about_us = self.dice.random() < 0.3
            delivery = a_delivery(
                self.next(), status, at=self.at(), cause=CAUSES.get(status), about_us=about_us
            )
            after = {
                Status.SOFT_FAIL: lambda: lifecycle.waiting(record, delivery, NOW + 60),
                Status.HELD: lambda: lifecycle.held(record, delivery, NOW + 9_999),
            }.get(status, lambda: lifecycle.done(record, delivery))()
            after = replace(after, **self.found(record))
        assert await self.store.replace(record, after, operation)

    def found(self, record: MessageRecord) -> dict[str, Any]:
        """What an attempt finds beside its outcome, once."""
        domain = record.message.rcpt_to.partition("@")[2]
        if record.message.scope is Scope.INCOMING:
            spam = Inspection(Spam(self.dice.choice([1.0, 9.0])))
            return {} if record.inspection else {"inspection": spam}
        reached = record.message.id % 5 != 0
        return {"provider": f"mx.{domain}".lower() if reached else None}

    async def hit(self, record: MessageRecord) -> None:
        kind = self.dice.choice(list(EngagementKind))
        automatic = self.dice.random() < 0.3
        hit = EngagementEvent(
            kind, self.at(), "192.0.2.1", "x", "https://example.com/", automatic=automatic
        )
        message = record.message
        await self.world[Engagement].record(message.server_id, message.id, hit, NOW + 9 * DAY)

    async def marked(self, record: MessageRecord) -> None:
        message, mark = record.message, self.dice.choice(list(Mark))
        told = self.dice.choice(["7", f"7{UNPROVEN}"]) if mark is Mark.COMPLAINED else "{}"
        await self.store.mark(message.server_id, message.id, message.scope, mark, self.at(), told)
        if record.complained_at is None and told == "7":
            self.proven.add(message.id)

    async def reported(self, record: MessageRecord) -> None:
        number = self.next()
        kind = self.dice.choice([ReportKind.BOUNCE, ReportKind.DELAY])
        report = a_report(number, record.message.id, MessageId(1_000 + number), kind=kind)
        await self.world[Reports].add(self.world.server, replace(report, at=self.at()))


async def recount(world: World, play: Play) -> tuple[Counter[str], dict[Dimension, Sums]]:
    """Everything that is stored, counted."""
    everything: Counter[str] = Counter({"released": play.released} if play.released else {})
    groups: dict[Dimension, Sums] = defaultdict(lambda: defaultdict(Counter))
    for scope in Scope:
        for record in (await world[MessageStore].page(world.server, scope, 100)).values:
            counts = await counted(world, record, play.proven)
            everything += counts
            for dimension, value in traits(record):
                groups[dimension][value] += counts
            if record.provider is None and record.failed_at is None:
                del counts["outgoing"]
            if counts:
                groups[Dimension.PROVIDER][record.provider or ""] += counts
            for one in await world[MessageStore].deliveries(*place_of(record), scope):
                for dimension, value in why(record, one):
                    groups[dimension][value][str(OUTCOMES[one.status])] += 1
    return everything, groups


def place_of(record: MessageRecord) -> tuple[ServerId, MessageId]:
    return record.message.server_id, record.message.id


async def counted(world: World, record: MessageRecord, proven: set[MessageId]) -> Counter[str]:
    """Of one message, but what was done with it by hand."""
    message = record.message
    place = place_of(record)
    counts: Counter[str] = Counter({message.scope.value: 1})
    log = await world[MessageStore].deliveries(*place, message.scope)
    for one in log:
        counts[OUTCOMES[one.status]] += 1
        if one.status is Status.SENT:
            counts.update(delivery_counts(one.at - message.received_at))
    if message.scope is Scope.OUTGOING:
        for count, at in (
            (Count.SENT_MESSAGES, record.sent_at),
            (Count.FAILED_MESSAGES, record.failed_at),
        ):
            counts[count] += at is not None
        counts.update(at_fault(log))
        if record.sent_at is not None:
            counts[bucket_of(record.sent_at - message.received_at)] += 1
    for hit in await world[Engagement].hits(*place):
        counts[Count.OPENS if hit.kind is EngagementKind.OPEN else Count.CLICKS] += 1
    counts[Count.OPENED_MESSAGES] += record.person_opened_at is not None
    counts[Count.CLICKED_MESSAGES] += record.person_clicked_at is not None
    counts[Count.COMPLAINTS] += record.complained_at is not None
    counts[Count.PROVEN_COMPLAINTS] += message.id in proven
    counts[Count.UNSUBSCRIBES] += record.unsubscribed_at is not None
    counts[Count.SPAM] += record.inspection is not None and record.inspection.spam.score > 5
    reports = await world[Reports].page(
        message.server_id, ReportFilter(kind=ReportKind.DELAY, email=message.id), 100
    )
    counts[Count.DELAYS] += len(reports.values)
    return +Counter({str(name): number for name, number in counts.items()})


def at_fault(log: Sequence[Delivery]) -> list[Count]:
    """Whether what first failed a message for good was its recipient's doing."""
    for place, one in enumerate(log):
        if one.status in (Status.HARD_FAIL, Status.BOUNCED):
            was_sent = any(before.status is Status.SENT for before in log[:place])
            fault = Count.RETURNED_MESSAGES if was_sent else Count.REFUSED_MESSAGES
            return [] if one.about_us else [fault]
    return []


def why(record: MessageRecord, one: Delivery) -> Iterable[tuple[Dimension, str]]:
    if one.cause is not None:
        failure = Failure(record.message.scope, one.cause, one.status, record.provider)
        yield Dimension.CAUSE, one.cause
        yield Dimension.FAILURE, failure.value


def traits(record: MessageRecord) -> Iterable[tuple[Dimension, str]]:
    message = record.message
    outgoing = message.scope is Scope.OUTGOING
    yield Dimension.TAG, message.tag or ""
    yield Dimension.DOMAIN, message.rcpt_to.partition("@")[2].lower()
    yield Dimension.STREAM, (message.stream or "transactional") if outgoing else ""
    yield Dimension.CREDENTIAL, message.origin.credential_id
    yield Dimension.SENDER_DOMAIN, message.mail_from.partition("@")[2]
    yield Dimension.ROUTE, "" if outgoing else "r1"


@dataclass
class Source:
    """A part of the feed whose changes come in order; `read` is how far its consumer has said that it has them."""

    name: str
    changes: list[Change]
    read: int = 0


class Feed:
    """What the engine tells, as sources: one on one host, several shards on AWS, by message."""

    def __init__(self, world: World, dice: random.Random) -> None:
        self._world = world
        self._dice = dice
        self._stream = Changes(world.settings.mail_table) if world.family == "aws" else None
        names = ["mail"] if self._stream is None else ["shard-1", "shard-2"]
        self.sources = [Source(name, []) for name in names]

    async def take(self) -> None:
        """Hear what is new."""
        if self._stream is not None:
            for change in read_changes(self._stream.take()):
                if server_of(change) == self._world.server:
                    self.sources[message_of(change) % 2].changes.append(change)
            return
        feed = self._world[EventFeed]
        changes, position = feed.read()
        await feed.move(position)
        self.sources[0].changes += changes

    def batch(self) -> tuple[Source, int, int] | None:
        """Changes that were not acknowledged, and perhaps some that were; None when there are none left."""
        ready = [one for one in self.sources if one.read < len(one.changes)]
        if not ready:
            return None
        source = self._dice.choice(ready)
        begin = self._dice.randint(0, source.read) if self._dice.random() < 0.3 else source.read
        return source, begin, self._dice.randint(begin + 1, len(source.changes))


def server_of(change: Change) -> int:
    return change.after.message.server_id if isinstance(change, MessageChange) else change.server


def message_of(change: Any) -> int:
    if isinstance(change, MessageChange):
        return change.after.message.id
    found = getattr(change, "message", None)
    return int(change.report.email if found is None else found)


async def consume(outbox: Outbox, feed: Feed, mortals: Sequence[Mortal], world: World) -> None:
    """Everything, whatever dies."""
    while (batch := feed.batch()) is not None:
        source, begin, end = batch
        try:
            await outbox.run(source.name, source.changes[begin:end])
        except TemporaryFailure:
            continue
        source.read = max(source.read, end)
        world.clock.advance(7 * HOUR)
        await world[GroupCounts].fold(world.server)
        world.clock.advance(-7 * HOUR)
    assert sum(one.deaths for one in mortals) > 0


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_totals_equal_a_recount(world: World, seed: int) -> None:
    dice = random.Random(seed)
    feed, play = Feed(world, dice), Play(world, dice)
    statistics, groups = Mortal(world[Statistics], dice), Mortal(world[GroupCounts], dice)
    counting: Any = statistics
    grouping: Any = groups
    outbox = Outbox(
        CountChanges(world.clock, counting),
        CountGroups(grouping, world[MessageStore]),
        world[RecordOperations],
        world[PublishEvents],
        world[IndexMail],
    )
    await play.begin()
    for _ in range(STEPS):
        await play.step()
    await feed.take()
    await consume(outbox, feed, (statistics, groups), world)
    everything, by_group = await recount(world, play)
    for period in (Period.DAY, Period.HOUR):
        slots = await world[Statistics].read(world.server, period, DAY_NOW, DAY_NOW + 2 * DAY)
        total: Counter[str] = Counter()
        for _, counts in slots:
            total.update({str(name): number for name, number in counts.items()})
        assert total == everything
        span = Span(period, DAY_NOW, DAY_NOW + 2 * DAY, 9 * DAY)
        for dimension in set(Dimension) - {Dimension.WEBHOOK}:
            parts = await world[GroupCounts].read(world.server, dimension, span)
            found = {
                value: Counter({str(name): n for name, n in part.items() if name != "released"})
                for value, by_start in parts.items()
                for part in by_start.values()
            }
            assert found == by_group[dimension], dimension
