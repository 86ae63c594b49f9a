"""The dead letters of the delivering queues: their messages are held, where people see them."""

from __future__ import annotations

import os
from collections.abc import Collection

from chalice.app import Blueprint

from chalicelib.bootstrap import Posthorn
from chalicelib.config import read_settings
from chalicelib.services.queue.dead_letters import DeadLetters
from functions.queue_batch import Invocation, on_batch

blueprint = Blueprint(__name__)


async def hold(posthorn: Posthorn, batch: Invocation) -> Collection[str]:
    """Hold each letter's message; a letter that cannot be read, or whose message is in hand, stays."""
    left = set()
    for record in batch.records:
        if record.job is None or not await posthorn[DeadLetters].hold(record.job):
            left.add(record.id)
    batch.notes.update({"records": len(batch.records), "left": len(left)})
    return left


deadletters = blueprint.on_sqs_message(
    queue=f"{read_settings(os.environ).queue_prefix}dead", batch_size=10, name="deadletters"
)(on_batch("deadletters", hold))
