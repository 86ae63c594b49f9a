"""The stream of the mail table: the outbox is told what happens to messages."""

from __future__ import annotations

from chalice.app import Blueprint

from chalicelib.adapters.aws.dynamo.changes import read_changes
from chalicelib.bootstrap import Posthorn
from chalicelib.services.events.outbox import Outbox
from functions.stream_batch import StreamInvocation, on_stream

blueprint = Blueprint(__name__)
MOST_RECORDS = 1_000  # of one batch
GATHER_SECONDS = 5


async def tell(posthorn: Posthorn, batch: StreamInvocation) -> None:
    """Hand on what the records tell; all of it, or the batch comes again."""
    done = await posthorn[Outbox].run(batch.shard, read_changes(batch.records))
    batch.notes.update({**done, "of": len(batch.records)})


outbox = blueprint.on_dynamodb_record(
    stream_arn="the mail table's, by infra/functions.merge.yaml",
    batch_size=MOST_RECORDS,
    starting_position="TRIM_HORIZON",
    name="outbox",
    maximum_batching_window_in_seconds=GATHER_SECONDS,
)(on_stream("outbox", tell))
