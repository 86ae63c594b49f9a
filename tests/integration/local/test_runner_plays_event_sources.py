"""The runner's pollers do what Lambda's event source mapping does: partial failures, redrive, time, duplicates."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from functions import webhooks
from infra.local import runner
from infra.local.clock import LocalClock, advance
from infra.local.invocation import Context, failed_ids, schedule_event, sqs_event
from infra.local.runner import Poller, Switches, Ticker, read_switches
from infra.local.sources import SCHEDULES, EventSource, Queue, find_queues
from tests.patience import PATIENCE

Batch = list[dict[str, Any]]
SWEEP = SCHEDULES[0]


class FakeSqs:
    """One queue in memory with a visibility time-out that ends when a test says so."""

    def __init__(self, bodies: list[str]) -> None:
        self.lock = threading.Lock()
        self.waiting = [self._message(number, body) for number, body in enumerate(bodies)]
        self.hidden: dict[str, dict[str, Any]] = {}
        self.deleted: list[str] = []

    def _message(self, number: int, body: str) -> dict[str, Any]:
        attributes = {"ApproximateReceiveCount": "0", "SentTimestamp": "1"}
        return {"MessageId": f"m{number}", "Body": body, "Attributes": attributes}

    def receive_message(self, **asked: Any) -> dict[str, Any]:
        with self.lock:
            count = asked["MaxNumberOfMessages"]
            taken, self.waiting = self.waiting[:count], self.waiting[count:]
            for message in taken:
                received = int(message["Attributes"]["ApproximateReceiveCount"]) + 1
                message["Attributes"]["ApproximateReceiveCount"] = str(received)
                message["ReceiptHandle"] = f"{message['MessageId']}/{received}"
                self.hidden[message["ReceiptHandle"]] = message
        if not taken:
            time.sleep(0.01)
        return {"Messages": taken} if taken else {}

    def delete_message_batch(self, **asked: Any) -> None:
        assert len(asked["Entries"]) <= 10
        with self.lock:
            for entry in asked["Entries"]:
                self.deleted.append(self.hidden.pop(entry["ReceiptHandle"])["MessageId"])

    def time_out(self) -> None:
        with self.lock:
            self.waiting += self.hidden.values()
            self.hidden.clear()


Play = Callable[..., None]


@pytest.fixture
def play() -> Iterator[Play]:
    """Runs a poller over a queue until a condition holds."""
    stopping = threading.Event()
    pollers: list[Poller] = []

    def run(
        sqs: FakeSqs,
        handler: Callable[[Any, Any], Any],
        until: Callable[[], bool],
        switches: Switches | None = None,
    ) -> None:
        source = Queue("deliver-x", "url", "arn:aws:sqs:eu-west-1:0:deliver-x", handler, 50)
        poller = Poller(sqs, source, switches or Switches(), stopping)
        pollers.append(poller)
        poller.start()
        deadline = time.monotonic() + PATIENCE
        while not until():
            assert time.monotonic() < deadline
            time.sleep(0.005)
        stopping.set()
        poller.join()

    yield run
    stopping.set()
    for poller in pollers:
        poller.join()


def test_what_is_not_reported_is_deleted_and_the_rest_comes_again(play: Play) -> None:
    sqs = FakeSqs([f"body {number}" for number in range(25)])
    sizes: list[int] = []

    def handler(event: Any, context: Any) -> Any:
        records = event["Records"]
        sizes.append(len(records))
        assert records[0]["eventSource"] == "aws:sqs"
        assert records[0]["awsRegion"] == "eu-west-1"
        assert context.get_remaining_time_in_millis() > 200_000
        failed = [each for each in records if each["messageId"] == "m3"]
        return {"batchItemFailures": [{"itemIdentifier": each["messageId"]} for each in failed]}

    play(sqs, handler, lambda: len(sqs.deleted) == 24)
    assert sizes == [25]  # several receives make one batch
    assert [message["MessageId"] for message in sqs.hidden.values()] == ["m3"]


def test_an_invocation_may_take_as_long_as_the_lease(play: Play) -> None:
    sqs, left = FakeSqs(["a"]), list[int]()

    def handler(_event: Any, context: Any) -> None:
        left.append(context.get_remaining_time_in_millis())

    play(sqs, handler, lambda: len(sqs.deleted) == 1, Switches(timeout=800.0))
    assert 600_000 < left[0] <= 800_000


def test_an_exception_gives_the_whole_batch_back(play: Play) -> None:
    sqs = FakeSqs(["a", "b"])
    received: list[str] = []

    def handler(event: Any, _context: Any) -> Any:
        counts = [each["attributes"]["ApproximateReceiveCount"] for each in event["Records"]]
        received.extend(counts)
        if len(received) <= 2:
            sqs_time_out.start()
            raise RuntimeError("broken on purpose")

    sqs_time_out = threading.Timer(0.1, sqs.time_out)
    play(sqs, handler, lambda: len(sqs.deleted) == 2)
    assert received == ["1", "1", "2", "2"]


def test_duplicates_are_handed_out_beside_the_original_and_deleted_once(play: Play) -> None:
    sqs = FakeSqs([str(number) for number in range(20)])
    seen: Counter[str] = Counter()

    def handler(event: Any, _context: Any) -> None:
        seen.update(each["messageId"] for each in event["Records"])

    switches = Switches(duplicate_percent=100, reorder=True)
    play(sqs, handler, lambda: sum(seen.values()) >= 40, switches)
    assert set(seen.values()) == {2}
    assert sorted(sqs.deleted) == sorted(seen)


def test_a_stop_waits_for_the_invocation_in_flight(play: Play) -> None:
    sqs = FakeSqs(["slow"])
    started, finished = threading.Event(), threading.Event()

    def handler(_event: Any, _context: Any) -> None:
        started.set()
        time.sleep(0.2)
        finished.set()

    play(sqs, handler, started.is_set)
    assert finished.is_set()
    assert sqs.deleted == ["m0"]


def test_the_sweeper_fires_each_minute_and_when_the_clock_moves(tmp_path: Path) -> None:
    events: list[dict[str, Any]] = []
    clock = LocalClock(tmp_path / "clock")
    ticker = Ticker(SWEEP, lambda event, _context: events.append(event), clock, "us-east-1")
    assert ticker.tick()
    assert not ticker.tick()
    advance(tmp_path / "clock", 5)
    deadline = time.monotonic() + PATIENCE
    while not ticker.tick():
        assert time.monotonic() < deadline
    assert not ticker.tick()
    assert [event["detail-type"] for event in events] == ["Scheduled Event"] * 2


class HeldClock(LocalClock):
    """Stands at a moment that the test sets."""

    moment, ahead = 1_800_000_000.0, 0.0

    def now(self) -> float:
        return self.moment

    def offset(self) -> float:
        return self.ahead


def test_what_becomes_due_after_the_clock_was_moved_is_swept_within_five_seconds(
    tmp_path: Path,
) -> None:
    clock = HeldClock(tmp_path / "clock")
    tickers = {one.name: Ticker(one, lambda *_: None, clock, "us-east-1") for one in SCHEDULES}
    sweep, upkeep = tickers["sweep"], tickers["upkeep"]
    assert sweep.tick()
    assert upkeep.tick()
    clock.moment += 5
    assert not sweep.tick()
    clock.moment, clock.ahead = clock.moment + 1_790, 1_790.0
    assert sweep.tick()
    assert upkeep.tick()
    clock.moment += 4
    assert sweep.tick()
    assert not upkeep.tick()


def test_a_failing_sweeper_fires_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def handler(_event: Any, _context: Any) -> None:
        raise RuntimeError("broken on purpose")

    ticker = Ticker(SWEEP, handler, LocalClock(tmp_path / "clock"), "us-east-1")
    assert ticker.tick()
    assert "broken on purpose" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("answer", "failed"),
    [
        (None, set()),
        ({}, set()),
        ({"batchItemFailures": []}, set()),
        ({"batchItemFailures": [{"itemIdentifier": "a"}]}, {"a"}),
        ({"batchItemFailures": [{"itemIdentifier": "stranger"}]}, {"a", "b"}),
        ({"batchItemFailures": [{"itemIdentifier": ""}]}, {"a", "b"}),
        ({"batchItemFailures": [{}]}, {"a", "b"}),
        ({"batchItemFailures": "a"}, {"a", "b"}),
        ("what", {"a", "b"}),
    ],
)
def test_answers_are_read_as_lambda_reads_them(answer: object, failed: set[str]) -> None:
    assert failed_ids(answer, ["a", "b"]) == failed


def test_the_events_have_the_shapes_of_the_real_ones() -> None:
    message = {"MessageId": "i", "ReceiptHandle": "r", "Body": "b", "MD5OfBody": "m"}
    record = sqs_event([message], "arn:aws:sqs:r:0:q", "r")["Records"][0]
    assert set(record) == {
        "messageId",
        "receiptHandle",
        "body",
        "attributes",
        "messageAttributes",
        "md5OfBody",
        "eventSource",
        "eventSourceARN",
        "awsRegion",
    }
    assert schedule_event("sweep", 0, "r")["time"] == "1970-01-01T00:00:00Z"
    assert Context("f", 0).get_remaining_time_in_millis() == 0


class FakeQueues:
    """What `find_queues` asks of SQS."""

    def __init__(self, queues: dict[str, str | None]) -> None:
        self._queues = queues

    def get_paginator(self, _name: str) -> FakeQueues:
        return self

    def paginate(self, **asked: str) -> list[dict[str, list[str]]]:
        names = [name for name in self._queues if name.startswith(asked["QueueNamePrefix"])]
        return [{"QueueUrls": [f"http://q/{name}" for name in names]}, {}]

    def get_queue_attributes(self, **asked: Any) -> dict[str, Any]:
        name = asked["QueueUrl"].rpartition("/")[2]
        attributes = {"QueueArn": f"arn:aws:sqs:r:0:{name}"}
        if target := self._queues[name]:
            policy = {"deadLetterTargetArn": f"arn:aws:sqs:r:0:{target}", "maxReceiveCount": 5}
            attributes["RedrivePolicy"] = json.dumps(policy)
        return {"Attributes": attributes}


def test_each_pools_queue_and_the_dead_letters_find_their_handler() -> None:
    queues = FakeQueues(
        {
            "p-deliver-default": "p-dead",
            "p-deliver-bulk": "p-dead",
            "p-dead": None,
            "p-webhooks": None,
            "other-deliver-x": None,
        }
    )
    sources = (EventSource("json:loads", "deliver-", 50), EventSource("json:dumps", "", 10))
    found = {each.name: each.handler for each in find_queues(queues, "p-", sources).values()}
    assert found == {
        "p-deliver-default": json.loads,
        "p-deliver-bulk": json.loads,
        "p-dead": json.dumps,
    }


def test_lanes_of_slow_receivers_have_a_function_of_their_own() -> None:
    queues = FakeQueues({"p-webhooks": None, "p-webhooks-slow": None})
    found = {each.name: each.handler for each in find_queues(queues, "p-").values()}
    assert found == {"p-webhooks": webhooks.webhooks, "p-webhooks-slow": webhooks.webhooks_slow}


def test_switches_are_read_from_the_environment() -> None:
    read = read_switches(
        {"POSTHORN_RUNNER_DUPLICATE_PERCENT": "12.5", "POSTHORN_RUNNER_REORDER": "1"}
    )
    assert (read.duplicate_percent, read.reorder) == (12.5, True)
    assert not read_switches({}).reorder
    assert read_switches({}).timeout == 420
    moved = {"POSTHORN_LEASE_SECONDS": "600", "POSTHORN_VISIBILITY_SECONDS": "700"}
    assert read_switches(moved).timeout == 600
    assert runner.read_switches({"POSTHORN_RUNNER_REORDER": "0"}).reorder is False
