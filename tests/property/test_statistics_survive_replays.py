"""Counts are exact whatever a change feed does: shards that split, batches of any size, replays, deaths half-way.

The model plays a feed with the guarantees of DynamoDB's streams and Lambda's polling, and no more: numbers rise within
a shard and say nothing between shards; a shard's children are read when it has been read to its end; every record comes
at least once, in order the first time; what was handed over may come again, from an earlier place, in batches cut
elsewhere; the process dies before or after any write. Three broken variants prove that the model can fail.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.adapters.scripted.time import ControlledClock
from chalicelib.adapters.sqlite.group_counts import SqliteGroupCounts
from chalicelib.adapters.sqlite.mail_schema import MailDatabase
from chalicelib.adapters.sqlite.statistics import SqliteStatistics
from chalicelib.bootstrap import in_memory
from chalicelib.domain.changes import (
    Change,
    HitAdded,
    Mark,
    Marked,
    MessageChange,
    Operated,
    Reported,
)
from chalicelib.domain.engagement import EngagementKind
from chalicelib.domain.groups import (
    Dimension,
    GroupAddition,
    group_additions,
    spread,
    together,
)
from chalicelib.domain.model import MessageRecord, Status
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.operations import RELEASE
from chalicelib.domain.periods import STORED, Period
from chalicelib.domain.report import ReportKind
from chalicelib.domain.statistics import (
    NAMED,
    Addition,
    Count,
    Slot,
    additions,
    named_counts,
    told_by,
    totals,
)
from chalicelib.domain.traits import Traits
from chalicelib.ports.group_counts import Span
from chalicelib.ports.messages import MessageStore
from chalicelib.services.events.count_changes import CountChanges
from chalicelib.services.events.count_groups import CountGroups
from chalicelib.services.events.index_mail import IndexMail
from chalicelib.services.events.outbox import Outbox
from chalicelib.services.events.publish_events import PublishEvents
from chalicelib.services.events.record_operations import RecordOperations
from tests.fakes import NOW, a_delivery, a_message, a_report, an_operation

SERVERS = (ServerId(1), ServerId(2), ServerId(3))
OUTCOMES = (Status.SENT, Status.SOFT_FAIL, Status.HARD_FAIL, Status.HELD, Status.BOUNCED)
EVENTS = 120
DEATH = 0.06
REPLAY = 0.15
SPLIT = 0.03


class Died(BaseException):
    """The process is gone: nothing may catch this but the feed, which hands its batch out again."""


@dataclass
class Shard:
    """Records in order; `read` is how far the consumer has acknowledged."""

    name: str
    keys: set[int]
    parent: Shard | None = None
    next_number: int = 1
    records: list[Change] = field(default_factory=list)
    read: int = 0
    closed: bool = False

    @property
    def is_done(self) -> bool:
        return self.closed and self.read == len(self.records)


class Feed:
    """Writes changes of a few messages into shards, which split now and then."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        keys = list(range(12))
        middle = dice.randint(1, 11)
        self.shards = [self._shard(set(keys[:middle])), self._shard(set(keys[middle:]))]
        self.messages: dict[int, MessageRecord] = {}
        self.truth: Counter[tuple[ServerId, Count]] = Counter()
        self.groups: Counter[Any] = Counter()
        self.counted_groups: list[Counter[Any]] = []

    def _shard(self, keys: set[int], parent: Shard | None = None) -> Shard:
        # Numbers of different shards overlap in any way.
        first = self.dice.choice([1, 7, 10**20, 10**39])
        name = f"shard-{self.dice.getrandbits(40):x}"
        return Shard(name, keys, parent, next_number=first)

    def write(self) -> None:
        if self.dice.random() < SPLIT:
            self._split()
        key = self.dice.randrange(12)
        (shard,) = (one for one in self.shards if not one.closed and key in one.keys)
        number = str(shard.next_number)
        shard.next_number += self.dice.choice([1, 1, 3, 10**6])
        change = self._change(key, number)
        self._note(change)
        shard.records.append(change)

    def _split(self) -> None:
        shard = self.dice.choice([one for one in self.shards if not one.closed])
        shard.closed = True
        keys = sorted(shard.keys)
        middle = self.dice.randint(0, len(keys))
        for part in (keys[:middle], keys[middle:]):
            self.shards.append(self._shard(set(part), shard))

    def _change(self, key: int, number: str) -> Change:
        server = SERVERS[key % len(SERVERS)]
        at = NOW + self.dice.randrange(600)
        if self.dice.random() < 0.3:
            return self._beside(number, server, MessageId(key), at)
        before = self.messages.get(key)
        if before is None:
            after = MessageRecord(a_message(server, key, received_at=float(at)))
        else:
            delivery = a_delivery(int(number), self.dice.choice(OUTCOMES), at=float(at))
            after = replace(before, deliveries=(*before.deliveries, delivery)[-3:])
        self.messages[key] = after
        return MessageChange(number, before, after)

    def _beside(self, number: str, server: ServerId, message: MessageId, at: int) -> Change:
        """What happens beside attempts."""
        traits = Traits(tag=self.dice.choice([None, "a", "b"]), domain="example.com")
        kind = self.dice.choice(["hit", "mark", "report", "operation"])
        if kind == "hit":
            hit = self.dice.choice(list(EngagementKind))
            is_first = self.dice.random() < 0.5
            return HitAdded(number, server, hit, at, message, number, is_first, traits)
        if kind == "mark":
            return Marked(number, server, message, self.dice.choice(list(Mark)), at, "{}", traits)
        if kind == "report":
            report_kind = self.dice.choice([ReportKind.DELAY, ReportKind.BOUNCE])
            report = a_report(1, message, MessageId(99), float(at), kind=report_kind)
            return Reported(number, server, report, traits)
        operation = an_operation(self.dice.choice([RELEASE, "cancel"]), message, at=float(at))
        return Operated(number, server, message, operation, traits)

    def _note(self, change: Change) -> None:
        for slot, added in additions([change], NOW).items():
            if slot.period is Period.DAY:
                self.truth.update({(slot.server, c): n for a in added for c, n in a.counts.items()})
        for server, groups in group_additions([change], {}).items():
            for (dimension, value, _), counts in spread(together(groups)).items():
                place = server, dimension, value
                self.groups.update({(place, name): n for name, n in counts.items()})


class Mortal(SqliteStatistics):
    """Counters whose process may die at each write; then it writes nothing more."""

    def __init__(self, dice: random.Random) -> None:
        super().__init__(in_memory()[MailDatabase], ControlledClock(NOW))
        self._dice = dice
        self.armed, self.dead, self.deaths = True, False, 0

    async def add(self, source: str, slot: Slot, additions: Sequence[Addition]) -> None:
        self._roll()
        await asyncio.sleep(0)
        await super().add(source, slot, additions)
        self._roll()

    def _roll(self) -> None:
        if self.dead or (self.armed and self._dice.random() < DEATH):
            self.deaths += not self.dead
            self.dead = True
            raise Died


class MortalGroups(SqliteGroupCounts):
    """Counters of groups of the same process."""

    def __init__(self, statistics: Mortal) -> None:
        super().__init__(in_memory()[MailDatabase], ControlledClock(NOW))
        self._statistics = statistics

    async def add(self, source: str, server: ServerId, additions: Sequence[GroupAddition]) -> None:
        self._statistics._roll()
        await asyncio.sleep(0)
        await super().add(source, server, additions)
        self._statistics._roll()


Source = Callable[[Shard], str]


async def play(
    seed: int, store: type[Mortal] = Mortal, source: Source = lambda shard: shard.name
) -> Any:
    """Write, read and die; returns the feed, the store and what was counted in the end, by period."""
    dice = random.Random(seed)
    feed, statistics = Feed(dice), store(dice)
    counting = CountChanges(ControlledClock(NOW), statistics)
    groups, program = MortalGroups(statistics), in_memory()
    grouping = CountGroups(groups, program[MessageStore])
    others = (program[RecordOperations], program[PublishEvents], program[IndexMail])
    outbox = Outbox(counting, grouping, *others)
    written = 0
    while True:
        if written < EVENTS and dice.random() < 0.5:
            feed.write()
            written += 1
            continue
        if written == EVENTS:
            statistics.armed = False
        if not await consume(feed, outbox, statistics, source) and written == EVENTS:
            break
    feed.counted_groups = [await by_group(groups, one) for one in (Period.HOUR, Period.DAY)]
    return feed, statistics, {period: await counted_in(statistics, period) for period in STORED}


async def by_group(groups: SqliteGroupCounts, period: Period) -> Counter[Any]:
    """All counters of groups."""
    span = Span(period, 0, NOW * 2, NOW * 4)
    return Counter(
        {
            ((server, dimension, value), name): number
            for server in SERVERS
            for dimension in Dimension
            for value, parts in (await groups.read(server, dimension, span)).items()
            for counts in parts.values()
            for name, number in counts.items()
        }
    )


async def counted_in(statistics: Mortal, period: Period) -> Counter[tuple[ServerId, Count]]:
    """All counters of this length by server."""
    found: Counter[tuple[ServerId, Count]] = Counter()
    for server in SERVERS:
        slots = await statistics.read(server, period, 0, NOW * 2)
        for count, number in totals(counts for _, counts in slots).items():
            found[server, count] = number
    return found


async def consume(feed: Feed, outbox: Outbox, statistics: Mortal, source: Source) -> bool:
    """One batch of one shard; False when everything has been read."""
    ready = [
        shard
        for shard in feed.shards
        if (shard.parent is None or shard.parent.is_done) and shard.read < len(shard.records)
    ]
    if not ready:
        return False
    shard = feed.dice.choice(ready)
    begin = shard.read
    if statistics.armed and feed.dice.random() < REPLAY:
        begin = feed.dice.randint(0, shard.read)  # a place that was acknowledged long ago
    end = feed.dice.randint(begin + 1, len(shard.records))
    statistics.dead = False
    try:
        await outbox.run(source(shard), shard.records[begin:end])
    except Died:
        return True
    shard.read = max(shard.read, end)
    return True


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32))
def test_every_change_counts_once(seed: int) -> None:
    feed, _, found = asyncio.run(play(seed))
    assert found == dict.fromkeys(STORED, feed.truth)
    assert feed.counted_groups == [feed.groups, feed.groups]


def test_the_model_dies_splits_and_replays() -> None:
    deaths = splits = 0
    for seed in range(20):
        feed, statistics, _ = asyncio.run(play(seed))
        deaths += statistics.deaths
        splits += sum(shard.closed for shard in feed.shards)
    assert deaths > 40
    assert splits > 20


class Forgetful(Mortal):
    """Without the last number: counts whatever comes."""

    adds = 0

    async def add(self, source: str, slot: Slot, additions: Sequence[Addition]) -> None:
        self._roll()
        self.adds += 1
        await SqliteStatistics.add(self, f"{source}/{self.adds}", slot, additions)
        self._roll()


class ByBatch(Mortal):
    """With the last number of a whole batch: all of it is new, or nothing is."""

    async def add(self, source: str, slot: Slot, additions: Sequence[Addition]) -> None:
        sums = totals(one.counts for one in additions)
        await super().add(source, slot, [Addition(additions[-1].sequence, sums)])


@pytest.mark.parametrize(
    ("store", "source", "wrong"),
    [
        (Mortal, lambda shard: "one for all shards", "loses"),
        (Forgetful, lambda shard: shard.name, "repeats"),
        (ByBatch, lambda shard: shard.name, "repeats"),
    ],
)
def test_a_broken_scheme_is_found(store: type[Mortal], source: Source, wrong: str) -> None:
    off = 0
    for seed in range(20):
        feed, _, found = asyncio.run(play(seed, store, source))
        difference = found[Period.DAY].total() - feed.truth.total()
        off += difference < 0 if wrong == "loses" else difference > 0
    assert off > 10


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.lists(st.integers(1, 40), max_size=8))
def test_the_sum_over_any_split_of_changes_is_the_same(seed: int, cuts: list[int]) -> None:
    feed = Feed(random.Random(seed))
    for _ in range(40):
        feed.write()
    changes = [change for shard in feed.shards for change in shard.records]
    edges = sorted({0, *(cut for cut in cuts if cut < len(changes)), len(changes)})
    parts_of: dict[Slot, list[dict[Count, int]]] = {}
    for begin, end in itertools.pairwise(edges):
        for slot, added in additions(changes[begin:end], NOW).items():
            parts_of.setdefault(slot, []).extend(dict(one.counts) for one in added)
    whole = {
        slot: totals(one.counts for one in added) for slot, added in additions(changes, NOW).items()
    }
    assert {slot: totals(parts) for slot, parts in parts_of.items()} == whole
    counting = [sum(count in NAMED for count, _ in told_by(each).counted) for each in changes]
    days = sum(
        sum(named_counts(counts).values())
        for slot, counts in whole.items()
        if slot.period is Period.DAY
    )
    assert days == sum(counting)
