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
from functions.attempts import attempts
from functions.queue_batch import Invocation, on_batch

blueprint = Blueprint(__name__)


async def attempt(posthorn: Posthorn, batch: Invocation) -> Collection[str]:
    """One delivery attempt for each wake-up."""
    return await attempts(posthorn, posthorn[SendOutgoing], batch)


for pool in os.environ.get("POSTHORN_POOLS", "default").split():
    deliver = blueprint.on_sqs_message(
        queue=f"{read_settings(os.environ).queue_prefix}deliver-{pool}",
        batch_size=50,
        name=f"deliver-{pool}",
    )(on_batch("deliver", attempt))
