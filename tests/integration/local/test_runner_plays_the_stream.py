"""The runner reads the table's stream as Lambda does: in order, shard by shard, again and again until it is done."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.local.invocation import stream_event
from infra.local.stream import StreamPoller
from tests.patience import PATIENCE

ARN = "arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/x"
DONE: dict[str, Any] = {"batchItemFailures": [], "state": {}}


def a_record(number: int, event: str = "INSERT", **image: Any) -> dict[str, Any]:
    keys = {"PK": {"S": "S#1#o#0"}, "SK": {"S": f"{number:010d}"}}
    return {
        "eventID": f"e{number}",
        "eventName": event,
        "dynamodb": {
            "SequenceNumber": str(number),
            "ApproximateCreationDateTime": datetime(2026, 3, 22, 12, 0, 30, tzinfo=UTC),
            "Keys": keys,
            "NewImage": {**keys, "ra": {"N": "1"}, **image},
        },
    }


class FakeStreams:
    """A stream of shards `{name: (parent, records, closed)}`; an iterator is `name/position`."""

    def __init__(self, **shards: tuple[str | None, list[dict[str, Any]], bool]) -> None:
        self.shards = shards
        self.page = 2
        self.away = 0

    def list_streams(self, TableName: str) -> dict[str, Any]:  # noqa: N803  # as boto names it
        return {"Streams": [{"StreamArn": ARN}] if TableName == "t" else []}

    def describe_stream(self, **asked: Any) -> dict[str, Any]:
        names = list(self.shards)
        begin = names.index(asked["ExclusiveStartShardId"]) + 1 if len(asked) > 1 else 0
        shards = [
            {
                "ShardId": name,
                **({"ParentShardId": self.shards[name][0]} if self.shards[name][0] else {}),
            }
            for name in names[begin : begin + 1]
        ]
        last = {"LastEvaluatedShardId": names[begin]} if begin + 1 < len(names) else {}
        return {"StreamDescription": {"Shards": shards, **last}}

    def get_shard_iterator(self, **asked: Any) -> dict[str, str]:
        numbers = [each["dynamodb"]["SequenceNumber"] for each in self.shards[asked["ShardId"]][1]]
        place = 0
        if asked["ShardIteratorType"] == "AFTER_SEQUENCE_NUMBER":
            if asked["SequenceNumber"] not in numbers:
                raise ClientError({"Error": {"Code": "TrimmedDataAccessException"}}, "x")
            place = numbers.index(asked["SequenceNumber"]) + 1
        return {"ShardIterator": f"{asked['ShardId']}/{place}"}

    def get_records(self, ShardIterator: str, Limit: int) -> dict[str, Any]:  # noqa: N803  # as above
        if self.away:
            self.away -= 1
            raise ClientError({"Error": {"Code": "InternalServerError"}}, "x")
        name, _, place = ShardIterator.partition("/")
        _, records, closed = self.shards[name]
        end = min(int(place) + self.page, len(records))
        ended = closed and end == len(records)
        following = {} if ended else {"NextShardIterator": f"{name}/{end}"}
        return {"Records": records[int(place) : end], **following}


class Handler:
    """Notes what it gets; `answers` come first, then success."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.events: list[dict[str, Any]] = []

    def __call__(self, event: dict[str, Any], context: Any) -> Any:
        json.dumps(event)  # Lambda's events are JSON
        assert context.get_remaining_time_in_millis() > 0
        self.events.append(event)
        answer = self.answers.pop(0) if self.answers else DONE
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def batches(self) -> list[tuple[str, list[int]]]:
        return [
            (
                event["shardId"],
                [int(each["dynamodb"]["SequenceNumber"]) for each in event["Records"]],
            )
            for event in self.events
        ]


Poll = Callable[..., StreamPoller]


@pytest.fixture
def poller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Poll:
    """Makes pollers that keep their place in the same file."""
    monkeypatch.setattr("infra.local.stream.AWAY_SECONDS", 0.01)
    monkeypatch.setattr("infra.local.stream.POLL_SECONDS", 0.01)

    def make(
        streams: FakeStreams, handler: Handler, stopping: threading.Event | None = None
    ) -> StreamPoller:
        places = tmp_path / "stream.json"
        return StreamPoller(streams, "t", handler, places, stopping or threading.Event())

    return make


def one_shard(*records: dict[str, Any]) -> FakeStreams:
    return FakeStreams(a=(None, list(records), False))


def read_all(poller: StreamPoller) -> None:
    while poller.turn():
        pass


def test_records_come_in_order_and_name_their_shard(poller: Poll) -> None:
    handler = Handler()
    read_all(poller(one_shard(*map(a_record, range(1, 6))), handler))
    assert handler.batches == [("a", [1, 2]), ("a", [3, 4]), ("a", [5])]
    event = handler.events[0]
    assert event["window"] == {"start": "2026-03-22T12:00:00Z", "end": "2026-03-22T12:01:00Z"}
    first = event["Records"][0]
    assert (first["eventSource"], first["eventSourceARN"]) == ("aws:dynamodb", ARN)
    assert first["dynamodb"]["ApproximateCreationDateTime"] == 1_774_180_830.0


def test_what_the_filters_leave_out_wakes_nobody(poller: Poll) -> None:
    handler = Handler()
    claim = a_record(2, "MODIFY", ss={"S": "L"})
    read_all(poller(one_shard(a_record(1), claim, claim, a_record(3)), handler))
    assert handler.batches == [("a", [1]), ("a", [3])]


@pytest.mark.parametrize(
    "failure",
    [
        RuntimeError("broken"),
        {"batchItemFailures": [{"itemIdentifier": "1"}]},
        {"batchItemFailures": [{"itemIdentifier": "not ours"}]},
        "no answer",
    ],
)
def test_a_failed_batch_comes_again_before_the_next(poller: Poll, failure: Any) -> None:
    handler = Handler(failure, failure)
    read_all(poller(one_shard(*map(a_record, range(1, 4))), handler))
    assert handler.batches == [("a", [1, 2])] * 3 + [("a", [3])]


def test_a_batch_comes_again_from_its_lowest_failure_on(poller: Poll) -> None:
    streams = one_shard(*map(a_record, (8, 9, 10, 11)))
    streams.page = 4
    failures = [{"itemIdentifier": "10"}, {"itemIdentifier": "9"}]
    handler = Handler({"batchItemFailures": failures})
    read_all(poller(streams, handler))
    assert handler.batches == [("a", [8, 9, 10, 11]), ("a", [9, 10, 11])]


def test_children_are_read_when_their_parent_is_done(poller: Poll) -> None:
    streams = FakeStreams(
        b=("a", [a_record(5)], False),
        a=(None, [a_record(1), a_record(2), a_record(3)], True),
        c=("a", [a_record(4)], False),
        d=("gone", [a_record(9)], False),
    )
    handler = Handler()
    read_all(poller(streams, handler))
    order = [shard for shard, _ in handler.batches]
    assert sorted(order) == ["a", "a", "b", "c", "d"]
    assert max(i for i, s in enumerate(order) if s == "a") < min(order.index("b"), order.index("c"))


def test_a_restart_goes_on_where_the_last_one_ended(poller: Poll) -> None:
    streams = one_shard(*map(a_record, range(1, 4)))
    read_all(poller(streams, Handler()))
    streams.shards["a"][1].append(a_record(4))
    handler = Handler()
    read_all(poller(streams, handler))
    assert handler.batches == [("a", [4])]


def test_a_place_that_the_stream_no_longer_has_means_its_beginning(poller: Poll) -> None:
    read_all(poller(one_shard(a_record(1)), Handler()))
    handler = Handler()
    read_all(poller(one_shard(a_record(7), a_record(8)), handler))
    assert handler.batches == [("a", [7, 8])]


def test_a_spoiled_file_of_places_means_the_beginning(poller: Poll, tmp_path: Path) -> None:
    (tmp_path / "stream.json").write_text("{")
    handler = Handler()
    read_all(poller(one_shard(a_record(1)), handler))
    assert handler.batches == [("a", [1])]


def until(is_so: Callable[[], bool], seconds: float = PATIENCE) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_a_stop_ends_a_batch_that_never_succeeds_without_skipping_it(poller: Poll) -> None:
    streams, stopping = one_shard(a_record(1)), threading.Event()
    handler = Handler(*[RuntimeError("broken")] * 1_000)
    running = poller(streams, handler, stopping)
    running.start()
    until(lambda: len(handler.events) > 2)
    stopping.set()
    running.join()
    again = Handler()
    read_all(poller(streams, again))
    assert again.batches == [("a", [1])]


def test_a_backend_that_is_away_is_waited_for(poller: Poll) -> None:
    streams, stopping, handler = one_shard(a_record(1)), threading.Event(), Handler()
    streams.away = 3
    running = poller(streams, handler, stopping)
    running.start()
    until(lambda: bool(handler.batches))
    stopping.set()
    running.join()
    assert handler.batches == [("a", [1])]


def test_bytes_and_sets_are_as_in_json() -> None:
    record = a_record(1, b={"B": b"\xff"}, l={"L": [{"BS": [b"a"]}]})
    (made,) = stream_event([record], "a", ARN, "us-east-1")["Records"]
    image = made["dynamodb"]["NewImage"]
    assert (image["b"], image["l"]) == ({"B": "/w=="}, {"L": [{"BS": ["YQ=="]}]})


def test_no_table_means_nothing_to_do(tmp_path: Path) -> None:
    places = tmp_path / "stream.json"
    idle = StreamPoller(FakeStreams(), "other", Handler(), places, threading.Event())
    assert idle.turn() is False
