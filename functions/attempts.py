"""What the functions of both directions do with a batch of wake-ups: one attempt for each, by their carrier."""

from __future__ import annotations

from collections.abc import Collection

from chalicelib.bootstrap import Posthorn
from chalicelib.services.queue.attempt import AttemptDelivery, Carrier, ReceivedJob
from functions.queue_batch import Invocation


async def attempts(posthorn: Posthorn, carrier: Carrier, batch: Invocation) -> Collection[str]:
    """The ids of the records to be handed out again; a body that cannot be read is left to the dead letters."""
    unread = {record.id for record in batch.records if record.job is None}
    jobs = [ReceivedJob(one.job, one.receipt) for one in batch.records if one.job is not None]
    left = await posthorn[AttemptDelivery].run(carrier, jobs, batch.seconds_left(), batch.ended)
    batch.notes.update({"records": len(batch.records), "left": len(left), "unread": len(unread)})
    return unread | {record.id for record in batch.records if record.receipt in left}
