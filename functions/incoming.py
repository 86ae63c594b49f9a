"""The function of mail that arrived, fed by its queue of wake-ups. Partial batches are handed out again."""

from __future__ import annotations

import os
from collections.abc import Collection

from chalice.app import Blueprint

from chalicelib.bootstrap import Posthorn
from chalicelib.config import read_settings
from chalicelib.services.incoming.pipeline import CarryIncoming
from functions.attempts import attempts
from functions.queue_batch import Invocation, on_batch

blueprint = Blueprint(__name__)


async def carry(posthorn: Posthorn, batch: Invocation) -> Collection[str]:
    """One attempt for each wake-up."""
    return await attempts(posthorn, posthorn[CarryIncoming], batch)


incoming = blueprint.on_sqs_message(
    queue=f"{read_settings(os.environ).queue_prefix}incoming", batch_size=50, name="incoming"
)(on_batch("incoming", carry))
