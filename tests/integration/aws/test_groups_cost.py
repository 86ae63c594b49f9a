"""What counting by groups costs on AWS, and that a fold that dies anywhere counts nothing twice and loses nothing."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from bench.cost import prices
from chalicelib.adapters.aws.dynamo import group_fold
from chalicelib.adapters.aws.dynamo.group_fold import GroupFold
from chalicelib.adapters.aws.dynamo.group_items import FULL, OPEN
from chalicelib.adapters.aws.dynamo.table import Table
from chalicelib.adapters.aws.meter import Meter
from chalicelib.adapters.aws.session import AwsSession
from chalicelib.adapters.scripted.time import ControlledClock
from chalicelib.bootstrap import Posthorn
from chalicelib.config import Settings
from chalicelib.domain.durations import DAY, HOUR
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.groups import Dimension, Group, GroupAddition
from chalicelib.domain.latency import bucket_of
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.periods import Period
from chalicelib.domain.statistics import Counts, delivery_counts, totals
from chalicelib.ports.clock import Clock
from chalicelib.ports.group_counts import GroupCounts, Span
from tests.aws_backend import aws_backend, aws_settings
from tests.fakes import NOW, a_server_id

__all__ = ["aws_backend", "aws_settings"]
pytestmark = pytest.mark.aws
DOMAINS = [f"company{number}.example" for number in range(400)]


@pytest.fixture
def program(aws_settings: Settings) -> Iterator[Posthorn]:
    made = Posthorn(aws_settings, "aws", {Clock: ControlledClock(NOW)})
    yield made
    made[AwsSession].close()


def mail(dice: random.Random, number: int, minute: int = 0) -> list[GroupAddition]:
    """A message that was accepted and sent: eight of ten to four large domains, the rest to any."""
    large = dice.random() < 0.8
    domain = dice.choice(["gmail.com", "outlook.com", "yahoo.com", "icloud.com"])
    domain = domain if large else dice.choice(DOMAINS)
    groups: tuple[Group, ...] = (
        (Dimension.TAG, dice.choice(["welcome", "receipt", "reset"])),
        (Dimension.DOMAIN, domain),
        (Dimension.STREAM, "transactional"),
        (Dimension.CREDENTIAL, "k1abcdefghij"),
        (Dimension.SENDER_DOMAIN, "acme.test"),
        (Dimension.ROUTE, ""),
    )
    provider: tuple[Group, ...] = ((Dimension.PROVIDER, "google" if large else domain),)
    seconds = dice.expovariate(0.5)
    sent = {"sent": 1, "sent_messages": 1, bucket_of(seconds): 1, **delivery_counts(seconds)}
    hour = (NOW + minute * 60) // HOUR * HOUR
    accepted, done = str(2 * number + 1), str(2 * number + 2)
    return [
        GroupAddition(accepted, hour, groups, {"outgoing": 1}),
        GroupAddition(done, hour, groups, sent),
        GroupAddition(done, hour, provider, {"outgoing": 1, **sent}),
    ]


async def fold_all(program: Posthorn, server: ServerId) -> None:
    clock: Any = program[Clock]
    clock.advance(7 * HOUR)
    while await program[GroupCounts].fold(server):
        pass
    clock.advance(-7 * HOUR)


async def counted(program: Posthorn, server: ServerId, dimension: Dimension) -> Counts:
    """The sums over all groups of a dimension."""
    span = Span(Period.DAY, NOW // DAY * DAY, NOW // DAY * DAY + DAY, 9 * DAY)
    found = await program[GroupCounts].read(server, dimension, span)
    return totals(counts for parts in found.values() for counts in parts.values())


async def test_a_message_costs_a_fraction_of_a_write_unit(program: Posthorn) -> None:
    """A busy hour: a batch every five seconds with 50 messages, folded once."""
    dice, server, meter = random.Random(1), a_server_id(), program[Meter]
    batches, each = 60, 50
    meter.reset()
    for batch in range(batches):
        added = [
            one for n in range(each) for one in mail(dice, batch * each + n, minute=batch * 5 // 60)
        ]
        await program[GroupCounts].add("shard", server, added)
    adding = meter.snapshot().write_units / (batches * each)
    await fold_all(program, server)
    spent = meter.snapshot()
    a_message = spent.write_units / (batches * each)
    assert adding <= prices.GROUP_WRITE_UNITS_IN_BATCHES
    # In an hour of such batches twelve times as many messages share the fold.
    assert a_message <= 2 * prices.GROUP_WRITE_UNITS_IN_BATCHES
    assert spent.read_units / (batches * each) <= prices.GROUP_READ_UNITS_IN_BATCHES
    assert (await counted(program, server, Dimension.TAG))["outgoing"] == batches * each


async def test_a_message_alone_costs_little_more_than_one_unit(program: Posthorn) -> None:
    """A trickle: one message in a batch of its own, hour after hour, folded each hour."""
    dice, server, meter = random.Random(2), a_server_id(), program[Meter]
    messages = 120
    meter.reset()
    for number in range(messages):
        await program[GroupCounts].add("shard", server, mail(dice, number, minute=number * 3))
    adding = meter.snapshot().write_units / messages
    await fold_all(program, server)
    together = meter.snapshot().write_units / messages
    assert adding <= prices.GROUP_WRITE_UNITS_ALONE
    assert together <= prices.GROUP_WRITE_UNITS_ALONE + 0.5
    assert (await counted(program, server, Dimension.DOMAIN))["sent"] == messages


class Dying(Table):
    """A table whose process dies before or after a transaction."""

    def __init__(self, session: AwsSession, name: str) -> None:
        super().__init__(session, name)
        self.die = ""

    async def transact(self, *actions: dict[str, Any]) -> int | None:
        if self.die == "before":
            raise TemporaryFailure("gone")
        done = await super().transact(*actions)
        if self.die == "after":
            raise TemporaryFailure("gone")
        return done


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_fold_that_dies_counts_nothing_twice(
    program: Posthorn, aws_settings: Settings, when: str
) -> None:
    dice, server = random.Random(3), a_server_id()
    number = 0
    for source in ("a", "b", "c"):
        for _ in range(12):
            added = [one for n in range(20) for one in mail(dice, number + n)]
            number += 20
            await program[GroupCounts].add(source, server, added)
    expected = {one: await counted(program, server, one) for one in Dimension}
    assert expected[Dimension.TAG]["outgoing"] == number
    clock: Any = program[Clock]
    table = Dying(program[AwsSession], aws_settings.mail_table)
    folding = GroupFold(table, program[Clock])
    clock.advance(7 * HOUR)
    steps = 0
    while True:
        table.die = when
        with pytest.raises(TemporaryFailure):
            await folding.run(server)
        assert {one: await counted(program, server, one) for one in Dimension} == expected
        table.die = ""
        steps += 1
        if not await folding.run(server):
            break
        assert {one: await counted(program, server, one) for one in Dimension} == expected
        if not await folding._waiting(server):
            break
    assert steps >= 1
    # What was counted is known to be, folded or not.
    await program[GroupCounts].add("c", server, mail(dice, number - 1))
    assert await counted(program, server, Dimension.TAG) == expected[Dimension.TAG]


async def test_what_does_not_fit_into_one_step_is_folded_in_several(program: Posthorn) -> None:
    """Additions of many days in one pack."""
    server = a_server_id()
    first = NOW // DAY * DAY - 59 * DAY
    added = [
        GroupAddition(str(n + 1), first + n % 60 * DAY, ((Dimension.TAG, f"t{n}"),), {"sent": 1})
        for n in range(600)
    ]
    await program[GroupCounts].add("shard", server, added)
    clock: Any = program[Clock]
    clock.advance(7 * HOUR)
    steps = 0
    while await program[GroupCounts].fold(server):
        steps += 1
    assert steps > 5
    span = Span(Period.DAY, first, NOW // DAY * DAY, DAY)
    found = await program[GroupCounts].read(server, Dimension.TAG, span)
    assert len(found) == 600
    assert all(list(parts.values()) == [{"sent": 1}] for parts in found.values())


class Measured(Table):
    """A table that knows the largest pack that a transaction wrote."""

    largest = 0

    async def transact(self, *actions: dict[str, Any]) -> int | None:
        for one in actions:
            item = one.get("Put", {}).get("Item", {})
            if "b" in item and item["SK"]["S"][:2] in (OPEN, FULL):
                self.largest = max(self.largest, len(item["b"]["B"]))
        return await super().transact(*actions)


async def test_what_is_left_of_packs_is_in_no_larger_ones(
    program: Posthorn, aws_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Steps that take one item of one day, of packs that together are larger than any of them."""
    server, dice = a_server_id(), random.Random(5)
    for source in range(10):
        added = [
            GroupAddition(
                str(n + 1),
                NOW // HOUR * HOUR,
                ((Dimension.TAG, dice.randbytes(20).hex()), (Dimension.STREAM, f"s{source}")),
                {"sent": 1},
            )
            for n in range(40)
        ]
        await program[GroupCounts].add(f"source {source}", server, added)
    clock: Any = program[Clock]
    clock.advance(7 * HOUR)
    table = Measured(program[AwsSession], aws_settings.mail_table)
    fold = GroupFold(table, program[Clock])
    largest = max(len(one["b"]["B"]) for one in await fold._waiting(server))
    monkeypatch.setattr(group_fold, "MOST_BYTES", 1)
    expected = {one: await counted(program, server, one) for one in Dimension}
    assert expected[Dimension.TAG] == expected[Dimension.STREAM] == {"sent": 400}
    while await fold.run(server):
        assert {one: await counted(program, server, one) for one in Dimension} == expected
    assert await fold._waiting(server) == []
    assert 0 < table.largest <= largest
