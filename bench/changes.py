"""The mail table's stream as Lambda plays it to the outbox, in batches of a given size.

Reading the stream is Lambda's work and costs nothing there, so the meter does not see it; what the function does is
metered. Filters are the deployed ones.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator, Mapping
from typing import Any

import botocore.session

from infra.local.invocation import Context, stream_event
from infra.local.stream import matches, template_filters

PAGE = 1_000
Record = Mapping[str, Any]


class Changes:
    """What a table's stream has told since the last look. The function is told `shard_name`, if given, for the shard's
    own name."""

    def __init__(self, table: str, shard_name: str = "") -> None:
        from functions.outbox import outbox

        self._outbox: Any = outbox
        session = botocore.session.Session()
        client: Any = session.create_client("dynamodbstreams")
        self._streams = client
        (stream,) = self._streams.list_streams(TableName=table)["Streams"]
        self._arn: str = stream["StreamArn"]
        (shard,) = self._streams.describe_stream(StreamArn=self._arn)["StreamDescription"]["Shards"]
        self._shard: str = shard_name or shard["ShardId"]
        self._iterator: str = self._streams.get_shard_iterator(
            StreamArn=self._arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]

    def take(self) -> list[Record]:
        """The new records that pass the filters."""
        filters = template_filters()
        return [
            record
            for page in self._pages()
            for record in page
            if any(matches(one, record) for one in filters)
        ]

    def hand_over(self, records: list[Record], size: int) -> list[dict[str, Any]]:
        """Call the function with batches of `size` records; its answers."""
        batches = [records[at : at + size] for at in range(0, len(records), size)]
        return [self.hand_over_batch(batch)[0] for batch in batches]

    def hand_over_batch(self, batch: list[Record]) -> tuple[dict[str, Any], list[str]]:
        """Call the function with this batch; its answer and its log lines."""
        event = stream_event(batch, self._shard, self._arn, "us-east-1")
        with contextlib.redirect_stdout(io.StringIO()) as log:
            answer = self._outbox(event, Context("outbox"))
        return answer, log.getvalue().splitlines()

    def _pages(self) -> Iterator[list[Record]]:
        while True:
            answer = self._streams.get_records(ShardIterator=self._iterator, Limit=PAGE)
            self._iterator = answer["NextShardIterator"]
            if not answer["Records"]:
                return
            yield answer["Records"]
