"""Plays Lambda's event source on the mail table's stream: shards read in order, batches repeated until they are done.

Uses the real stream (DescribeStream, GetShardIterator, GetRecords) and the filters of the template that is deployed.
How far each shard was handled is kept in a file, so that a restart goes on there; without the file, or when the stream
no longer has that place, it begins with the oldest record, and the counters know what they have seen. Promises that no
record is skipped while the stream has it. Windows, bisecting and retry limits are not played.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from infra.local.folder import write_private
from infra.local.invocation import Context, Handler, failed_of, stream_event
from infra.templates import load

HANDLER = "functions.outbox:outbox"
PLACES = "stream.json"  # in the state folder
FUNCTION = "Outbox"
POLL_SECONDS = 0.2
AWAY_SECONDS = 0.5
BATCH = 1_000
TIMEOUT_SECONDS = 60.0

Record = Mapping[str, Any]


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


class StreamPoller(threading.Thread):
    """Feeds the handler from the table's stream until told to stop. `places` is where it keeps how far it got."""

    def __init__(
        self, streams: Any, table: str, handler: Handler, places: Path, stopping: threading.Event
    ) -> None:
        super().__init__(name="poll stream", daemon=True)
        self._streams = streams
        self._table = table
        self._handler = handler
        self._file = places
        self._stopping = stopping
        self._filters = template_filters()
        self._iterators: dict[str, str] = {}
        self._ended: set[str] = set()
        self._open: list[str] = []
        self._arn = ""
        try:  # the last handled number of each shard
            self._places: dict[str, str] = json.loads(places.read_text())
        except (OSError, ValueError):
            self._places = {}

    def run(self) -> None:
        while not self._stopping.is_set():
            try:
                if not self.turn():
                    self._stopping.wait(POLL_SECONDS)
            except (BotoCoreError, ClientError):  # not up yet, or away: begin where the file says
                self._iterators.clear()
                self._stopping.wait(AWAY_SECONDS)

    def turn(self) -> bool:
        """Read each shard once and have it handled; whether there was anything."""
        if not self._arn:
            found = self._streams.list_streams(TableName=self._table)["Streams"]
            self._arn = found[0]["StreamArn"] if found else ""
        if self._arn and not self._open:
            # Shards whose parents have been handled to their end.
            parents = {shard["ShardId"]: shard.get("ParentShardId") for shard in self._shards()}
            alive = parents.keys() - self._ended
            self._open = [one for one in parents if one in alive and parents[one] not in alive]
        busy = [self._read(shard) for shard in self._open]
        return any(busy)

    def _shards(self) -> Iterator[Mapping[str, Any]]:
        asked = {"StreamArn": self._arn}
        while True:
            described = self._streams.describe_stream(**asked)["StreamDescription"]
            yield from described["Shards"]
            if not (last := described.get("LastEvaluatedShardId")):
                return
            asked["ExclusiveStartShardId"] = last

    def _read(self, shard: str) -> bool:
        iterator = self._iterators.get(shard) or self._iterator(shard)
        answer = self._streams.get_records(ShardIterator=iterator, Limit=BATCH)
        records = answer["Records"]
        if records and not self._hand_over(shard, records):
            return False  # told to stop: the place stays before them
        if following := answer.get("NextShardIterator"):
            self._iterators[shard] = following
        else:
            self._ended.add(shard)
            self._open = []  # its children may begin now
        return bool(records)

    def _iterator(self, shard: str) -> str:
        def ask(kind: str, **place: str) -> str:
            asked = {"StreamArn": self._arn, "ShardId": shard, "ShardIteratorType": kind}
            return str(self._streams.get_shard_iterator(**asked, **place)["ShardIterator"])

        if last := self._places.get(shard):
            try:
                return ask("AFTER_SEQUENCE_NUMBER", SequenceNumber=last)
            except (BotoCoreError, ClientError):  # the stream no longer has that place
                pass
        return ask("TRIM_HORIZON")

    def _hand_over(self, shard: str, records: Sequence[Record]) -> bool:
        """Invoke the handler until it is done with the records; False when told to stop before that."""
        left = [one for one in records if any(matches(pattern, one) for pattern in self._filters)]
        while left:
            event = stream_event(left, shard, self._arn, self._arn.split(":")[3])
            context = Context("outbox", TIMEOUT_SECONDS)
            failed = failed_of(self._handler, event, context, list(map(sequence_of, left)))
            if failed and self._stopping.wait(AWAY_SECONDS):
                return False
            # Again from the lowest failure on.
            lowest = min(map(int, failed), default=None)
            left = [one for one in left if lowest is not None and int(sequence_of(one)) >= lowest]
        self._places[shard] = sequence_of(records[-1])
        write_private(self._file, json.dumps(self._places))
        return True


def sequence_of(record: Record) -> str:
    """A record's number within its shard."""
    return str(record["dynamodb"]["SequenceNumber"])
