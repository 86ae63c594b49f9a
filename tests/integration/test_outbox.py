"""The outbox on a real stream: what happens to messages is counted once, poison passed over, an outage made up."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from bench.changes import Changes
from chalicelib import bootstrap
from chalicelib.adapters.aws.dynamo.statistics import DynamoStatistics
from chalicelib.adapters.aws.session import AwsSession
from chalicelib.adapters.system.faults import raising
from chalicelib.bootstrap import Posthorn
from chalicelib.config import Settings
from chalicelib.domain import lifecycle
from chalicelib.domain.engagement import EngagementEvent, EngagementKind
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.model import MessageRecord, Scope, Status
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.periods import Period
from chalicelib.domain.statistics import NAMED, WITHIN, Count
from chalicelib.domain.tenancy.credentials import CredentialKind
from chalicelib.ports.clock import Clock
from chalicelib.ports.engagement import Engagement
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.repository import Repository
from chalicelib.ports.statistics import Statistics
from chalicelib.services.events.statistics import ServerStatistics
from chalicelib.services.tenancy.audit_log import AuditLog, EntryFilter
from functions.outbox import outbox
from infra.local.invocation import Context, stream_event
from tests.aws_backend import aws_backend, aws_settings
from tests.fakes import a_delivery, a_job, a_message, a_server_id, an_operation
from tests.tenants import make_tenant

__all__ = ["aws_backend", "aws_settings"]
pytestmark = pytest.mark.aws
ARN = "arn:aws:dynamodb:us-east-1:000000000000:table/x/stream/y"


@dataclass
class Scenery:
    """A program, its stores, its stream, and what its outbox has logged."""

    program: Posthorn
    world: Posthorn
    changes: Changes
    server: ServerId
    now: float

    def message(self, number: int, outcome: Status | None = None, **changes: Any) -> None:
        """A message that was accepted and, with an outcome, tried once."""
        message = a_message(self.server, number, received_at=self.now, **changes)
        store = self.world[MessageStore]
        assert bootstrap.run(store.create([message])) == [True]
        if outcome is None:
            return
        now = int(self.now)
        claimed = bootstrap.run(store.claim(a_job(message), "me", now, now + 300))
        assert isinstance(claimed, MessageRecord)
        delivery = a_delivery(number, outcome, at=self.now + 0.5)
        assert bootstrap.run(store.replace(claimed, lifecycle.done(claimed, delivery)))

    def hit(self, number: int, kind: EngagementKind) -> None:
        hit = EngagementEvent(kind, self.now, "192.0.2.1", "Mozilla/5.0", "https://example.com/")
        message = a_message(self.server, number).id
        bootstrap.run(
            self.world[Engagement].record(self.server, message, hit, int(self.now) + 9_999)
        )

    def totals(self, period: Period = Period.DAY) -> dict[Count, int]:
        chart = self.program[ServerStatistics].chart(
            [self.server], period, self.now - 60, self.now + 60
        )
        found = bootstrap.run(chart).totals
        assert sum(found.get(one, 0) for one in (*WITHIN, Count.LATER)) == found.get(Count.SENT, 0)
        return {count: number for count, number in found.items() if count in NAMED}


@pytest.fixture
def scenery(aws_settings: Settings) -> Iterator[Scenery]:
    program = bootstrap.on_aws(aws_settings)
    world = bootstrap.on_aws(aws_settings)
    bootstrap.use(program)
    changes = Changes(aws_settings.mail_table)
    yield Scenery(program, world, changes, a_server_id(), program[Clock].now())
    bootstrap.use(None)
    world[AwsSession].close()


def invoke(records: list[Any], shard: str = "shardId-1") -> tuple[dict[str, Any], dict[str, Any]]:
    """The function's answer to records, and its log line."""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        answer = outbox(stream_event(records, shard, ARN, "us-east-1"), Context("outbox"))
    return answer, json.loads(out.getvalue().splitlines()[-1])


DONE: dict[str, Any] = {"batchItemFailures": [], "state": {}}


def test_everything_that_is_counted_is_counted_once(scenery: Scenery) -> None:
    for number, outcome in enumerate(
        [Status.SENT, Status.SENT, Status.SOFT_FAIL, Status.HARD_FAIL, Status.HELD, Status.BOUNCED],
        start=1,
    ):
        scenery.message(number, outcome)
    scenery.message(7)
    scenery.message(8, scope=Scope.INCOMING)
    scenery.hit(1, EngagementKind.OPEN)
    scenery.hit(1, EngagementKind.CLICK)
    scenery.hit(1, EngagementKind.CLICK)
    records = list(scenery.changes.take())
    answer, line = invoke(records)
    assert answer == DONE
    # Notes of the first open and of clicks on the message come too, and count nothing.
    assert line["outcome"] == "ok"
    assert line["of"] == line["changes"] == len(records) >= 8 + 6 + 3
    expected = {
        Count.OUTGOING: 7,
        Count.INCOMING: 1,
        Count.SENT: 2,
        Count.SOFT_FAILS: 1,
        Count.HARD_FAILS: 1,
        Count.HELD: 1,
        Count.BOUNCES: 1,
        Count.OPENS: 1,
        Count.CLICKS: 2,
    }
    for period in Period:
        assert scenery.totals(period) == expected
    for again in (records, records[3:], records[:5], records[2:7]):
        assert invoke(again)[0] == DONE
    assert scenery.totals() == expected
    assert scenery.changes.take() == []  # the counters' own changes wake nobody


def test_two_shards_with_the_same_numbers_are_apart(scenery: Scenery) -> None:
    scenery.message(1)
    (first,) = scenery.changes.take()
    scenery.message(2)
    (second,) = scenery.changes.take()
    number = first["dynamodb"]["SequenceNumber"]
    other = {**second, "dynamodb": {**second["dynamodb"], "SequenceNumber": number}}
    invoke([first], "shardId-1")
    invoke([other], "shardId-2")
    assert scenery.totals() == {Count.OUTGOING: 2}


def test_poison_is_logged_and_passed_over(scenery: Scenery) -> None:
    scenery.message(1, Status.SENT)
    before, after = scenery.changes.take()
    poison = {**before, "dynamodb": {**before["dynamodb"], "NewImage": {"ra": {"S": "?"}}}}
    with contextlib.redirect_stdout(io.StringIO()) as out:
        event = stream_event([poison, before, poison, after], "shardId-1", ARN, "us-east-1")
        assert outbox(event, Context("outbox")) == DONE
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [line["level"] for line in lines if line["unit"] == "posthorn.outbox"] == ["error"] * 2
    assert lines[-1]["changes"] == 2
    assert scenery.totals() == {Count.OUTGOING: 1, Count.SENT: 1}


def test_an_outage_leaves_the_batch_to_lambda_and_is_made_up(scenery: Scenery) -> None:
    scenery.message(1, Status.SENT)
    records = scenery.changes.take()
    whole = scenery.world[Statistics]
    failing = raising(whole, "add", TemporaryFailure("The store is away"), call=2)
    bootstrap.use(Posthorn(scenery.program.settings, "aws", {Statistics: failing}))
    with contextlib.redirect_stdout(io.StringIO()) as out, pytest.raises(TemporaryFailure):
        outbox(stream_event(records, "shardId-1", ARN, "us-east-1"), Context("outbox"))
    assert json.loads(out.getvalue())["outcome"] == "temporary_failure"
    assert invoke(records)[0] == DONE
    for period in Period:
        assert scenery.totals(period) == {Count.OUTGOING: 1, Count.SENT: 1}


def test_the_end_of_a_window_is_answered_with_its_state(scenery: Scenery) -> None:
    event = {"Records": [], "shardId": "shardId-1", "isFinalInvokeForWindow": True, "state": {}}
    with contextlib.redirect_stdout(io.StringIO()):
        assert outbox(event, Context("outbox")) == DONE
    assert scenery.totals() == {}


def test_minutes_that_are_over_for_long_are_not_written_any_more(scenery: Scenery) -> None:
    scenery.now -= 3 * 3_600
    scenery.message(1)
    invoke(list(scenery.changes.take()))
    assert scenery.totals(Period.MINUTE) == {}
    assert scenery.totals(Period.HOUR) == {Count.OUTGOING: 1}


def test_a_counter_says_when_it_may_go(scenery: Scenery) -> None:
    scenery.message(1)
    invoke(list(scenery.changes.take()))
    table: Any = scenery.world[DynamoStatistics]._table
    items = bootstrap.run(table.query(("PK", f"S#{scenery.server}#N")))
    ends = {item["SK"]["S"][0]: int(item["x"]["N"]) for item in items if "x" in item}
    minute, hour = int(scenery.now // 60 * 60), int(scenery.now // 3_600 * 3_600)
    assert ends == {"m": minute + 7_200, "h": hour + 60 * 86_400}
    assert len(items) == 3
    (day,) = [item for item in items if item["SK"]["S"].startswith("d")]
    assert day["SK"]["S"].endswith("#shardId-1")


def test_what_was_done_by_hand_is_entered_once_however_often_it_is_told(scenery: Scenery) -> None:
    program = scenery.world
    server, _ = bootstrap.run(make_tenant(program, CredentialKind.API))
    scenery.server = server.id
    scenery.message(1)
    store = program[MessageStore]
    before = bootstrap.run(store.get(server.id, MessageId(1)))
    after = lifecycle.held(before, a_delivery(5, Status.HELD, at=scenery.now), 2**31)
    assert bootstrap.run(store.replace(before, after, an_operation("hold", 1)))
    # Whatever changes the message next says nothing of it.
    done = lifecycle.done(after, a_delivery(6, Status.HOLD_CANCELLED, at=scenery.now))
    assert bootstrap.run(store.replace(after, done))
    scenery.message(2, operation=an_operation("resend", 1, attempt=0, before=""))
    records = list(scenery.changes.take())
    failing = raising(program[Repository], "change", TemporaryFailure("The store is away"), call=1)
    bootstrap.use(Posthorn(program.settings, "aws", {Repository: failing}))
    with contextlib.redirect_stdout(io.StringIO()), pytest.raises(TemporaryFailure):
        outbox(stream_event(records, "shardId-1", ARN, "us-east-1"), Context("outbox"))
    bootstrap.use(scenery.program)
    for again in (records, records, records[2:]):
        assert invoke(again)[0] == DONE
    log = program[AuditLog]
    page = bootstrap.run(log.page(server.organization_id, EntryFilter(object="1"), 100))
    assert [one.action for one in page.values] == ["email.resend", "email.hold"]
    assert bootstrap.run(log.first_broken(server.organization_id))[1] is None
    assert bootstrap.run(store.get(server.id, MessageId(1))).resent_as == (2,)
    assert scenery.totals() == {Count.OUTGOING: 2, Count.HELD: 1}
