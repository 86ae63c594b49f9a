"""The delivering functions: one for each pool, fed by its queue of wake-ups. Partial batches are handed out again.

One handler serves every pool: `POSTHORN_POOLS` names the pools while Chalice packages the app, and each becomes a
Lambda function of its own.
"""

from __future__ import annotations

import os
from collections.abc import Collection

from chalice.app import Blueprint

from chalicelib.bootstrap import Posthorn
from chalicelib.config import read_settings
from chalicelib.services.outgoing.pipeline import SendOutgoing
from chalicelib.services.queue.attempt import AttemptDelivery, ReceivedJob
from functions.queue_batch import Invocation, on_batch

blueprint = Blueprint(__name__)


async def attempt(posthorn: Posthorn, batch: Invocation) -> Collection[str]:
    """One delivery attempt for each wake-up; a body that cannot be read is left to the dead letters."""
    unread = {record.id for record in batch.records if record.job is None}
    jobs = [ReceivedJob(one.job, one.receipt) for one in batch.records if one.job is not None]
    left = await posthorn[AttemptDelivery].run(
        posthorn[SendOutgoing], jobs, batch.seconds_left(), batch.ended
    )
    batch.notes.update({"records": len(batch.records), "left": len(left), "unread": len(unread)})
    return unread | {record.id for record in batch.records if record.receipt in left}


for pool in os.environ.get("POSTHORN_POOLS", "default").split():
    deliver = blueprint.on_sqs_message(
        queue=f"{read_settings(os.environ).queue_prefix}deliver-{pool}",
        batch_size=50,
        name=f"deliver-{pool}",
    )(on_batch("deliver", attempt))
