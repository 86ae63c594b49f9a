"""Plays Lambda's event source on the mail table's stream: shards read in order, batches repeated until they are done.

Uses the real stream (DescribeStream, GetShardIterator, GetRecords) and the filters of the template that is deployed.
How far each shard was handled is kept in a file, so that a restart goes on there; without the file, or when the stream
no longer has that place, it begins with the oldest record, and the counters know what they have seen. Promises that no
record is skipped while the stream has it. Windows, bisecting and retry limits are not played.
"""

from __future__ import annotations

import json
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from infra.local.invocation import Context, failed_ids, stream_event
from infra.local.sources import Handler
from infra.templates import load

HANDLER = "functions.outbox:outbox"
PLACE = "stream.json"  # in the state folder
FUNCTION = "Outbox"
POLL_SECONDS = 0.2
AWAY_SECONDS = 0.5
BATCH = 1_000
TIMEOUT_SECONDS = 60.0

Record = Mapping[str, Any]
Keep = Callable[[Record], bool]


def template_filters() -> list[Mapping[str, Any]]:
    """The patterns that the deployed event source has."""
    function = load("functions.merge.yaml")["Resources"][FUNCTION]["Properties"]
    (source,) = function["Events"].values()
    return [json.loads(one["Pattern"]) for one in source["Properties"]["FilterCriteria"]["Filters"]]


def matches(pattern: Mapping[str, Any], value: Mapping[str, Any]) -> bool:
    """Whether a record matches a filter pattern: nested objects, and lists of values, `exists` and `prefix`."""
    return all(
        matches(wanted, held)
        if isinstance(wanted, Mapping) and isinstance(held, Mapping)
        else not isinstance(wanted, Mapping) and any(_fits(one, held) for one in wanted)
        for name, wanted in pattern.items()
        for held in (value.get(name),)
    )


def _fits(rule: Any, held: Any) -> bool:
    if not isinstance(rule, Mapping):
        return bool(rule == held)
    if "exists" in rule:
        return (held is not None) is rule["exists"]
    return isinstance(held, str) and held.startswith(rule["prefix"])


class Places:
    """The last handled number of each shard, kept in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._known: dict[str, str] = json.loads(path.read_text())
        except (OSError, ValueError):
            self._known = {}

    def of(self, shard: str) -> str | None:
        return self._known.get(shard)

    def move(self, shard: str, sequence: str) -> None:
        self._known[shard] = sequence
        new = self._path.with_name(f"{self._path.name}.new")
        new.write_text(json.dumps(self._known))
        new.replace(self._path)


class StreamPoller:
    """Feeds the handler from the table's stream until told to stop."""

    def __init__(
        self, streams: Any, table: str, handler: Handler, places: Places, stopping: threading.Event
    ) -> None:
        self._streams = streams
        self._table = table
        self._handler = handler
        self._places = places
        self._stopping = stopping
        filters = template_filters()
        self._keep: Keep = lambda record: any(matches(one, record) for one in filters)
        self._iterators: dict[str, str] = {}
        self._closed: set[str] = set()
        self._open: list[str] = []
        self._arn = ""
        self._thread = threading.Thread(target=self._poll, name="poll stream", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def join(self) -> None:
        """Wait for the invocation in flight."""
        self._thread.join()

    def _poll(self) -> None:
        while not self._stopping.is_set():
            try:
                busy = self.turn()
            except _aws_errors():  # not up yet, or away: begin again where the file says
                self._iterators.clear()
                self._stopping.wait(AWAY_SECONDS)
                continue
            if not busy:
                self._stopping.wait(POLL_SECONDS)

    def turn(self) -> bool:
        """Read each shard once and have it handled; whether there was anything."""
        if not self._arn:
            found = self._streams.list_streams(TableName=self._table)["Streams"]
            self._arn = found[0]["StreamArn"] if found else ""
        if self._arn and not self._open:
            self._open = self._open_shards()
        busy = [self._read(shard) for shard in self._open]
        return any(busy)

    def _open_shards(self) -> list[str]:
        """Shards whose parents have been handled to their end."""
        shards = list(_shards(self._streams, self._arn))
        alive = {shard["ShardId"] for shard in shards} - self._closed
        return [
            shard["ShardId"]
            for shard in shards
            if shard["ShardId"] in alive and shard.get("ParentShardId") not in alive
        ]

    def _read(self, shard: str) -> bool:
        iterator = self._iterators.get(shard) or self._iterator(shard)
        answer = self._streams.get_records(ShardIterator=iterator, Limit=BATCH)
        records = answer["Records"]
        if records and not self._handle(shard, records):
            return False  # told to stop: the place stays before them
        following = answer.get("NextShardIterator")
        if following:
            self._iterators[shard] = following
        else:
            self._closed.add(shard)
            self._open = []  # its children may begin now
        return bool(records)

    def _iterator(self, shard: str) -> str:
        asked = {"StreamArn": self._arn, "ShardId": shard}
        if last := self._places.of(shard):
            try:
                answer = self._streams.get_shard_iterator(
                    **asked, ShardIteratorType="AFTER_SEQUENCE_NUMBER", SequenceNumber=last
                )
                return str(answer["ShardIterator"])
            except _aws_errors():  # the stream no longer has that place
                pass
        answer = self._streams.get_shard_iterator(**asked, ShardIteratorType="TRIM_HORIZON")
        return str(answer["ShardIterator"])

    def _handle(self, shard: str, records: Sequence[Record]) -> bool:
        """Invoke the handler until it is done with the records; False when told to stop before that."""
        left = [record for record in records if self._keep(record)]
        while left:
            failed = self._invoke(shard, left)
            if failed and self._stopping.wait(AWAY_SECONDS):
                return False
            left = _from_lowest(left, failed)
        self._places.move(shard, sequence_of(records[-1]))
        return True

    def _invoke(self, shard: str, records: Sequence[Record]) -> set[str]:
        """The numbers that the handler hands back: all of them when it fails, as in Lambda."""
        event = stream_event(records, shard, self._arn, self._arn.split(":")[3])
        numbers = [sequence_of(record) for record in records]
        try:
            return failed_ids(self._handler(event, Context("outbox", TIMEOUT_SECONDS)), numbers)
        except (
            Exception
        ):  # a handler may fail in any way: then, as in Lambda, the batch comes again
            traceback.print_exc()
            return set(numbers)


def sequence_of(record: Record) -> str:
    """A record's number within its shard."""
    return str(record["dynamodb"]["SequenceNumber"])


def _from_lowest(records: Sequence[Record], failed: Iterable[str]) -> list[Record]:
    """The records from the lowest failed one on; none when none failed."""
    lowest = min(map(int, failed), default=None)
    return [one for one in records if lowest is not None and int(sequence_of(one)) >= lowest]


def _shards(streams: Any, arn: str) -> Iterator[Mapping[str, Any]]:
    asked = {"StreamArn": arn}
    while True:
        described = streams.describe_stream(**asked)["StreamDescription"]
        yield from described["Shards"]
        if not (last := described.get("LastEvaluatedShardId")):
            return
        asked["ExclusiveStartShardId"] = last


def _aws_errors() -> tuple[type[Exception], ...]:
    from botocore.exceptions import BotoCoreError, ClientError

    return (BotoCoreError, ClientError)
