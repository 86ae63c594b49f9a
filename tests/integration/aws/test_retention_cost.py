"""What forgetting costs in calls and units: the figures that `bench/cost/prices.py` multiplies."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bench.cost import prices
from chalicelib.adapters.aws.meter import Meter
from chalicelib.domain.durations import DAY
from chalicelib.domain.model import MessageRecord, State, Status
from chalicelib.domain.retention import Retention
from chalicelib.ports.blobs import BlobStore
from chalicelib.ports.messages import MessageStore
from chalicelib.services.retention.forget_old import ForgetOld
from tests.aws_backend import aws_backend, aws_settings
from tests.fakes import a_delivery, a_message
from tests.worlds import make_scene

if TYPE_CHECKING:
    from chalicelib.config import Settings

__all__ = ["aws_backend", "aws_settings"]
pytestmark = pytest.mark.aws

MANY = 200
PACKED = 20


async def test_a_day_of_retention_costs_what_the_prices_say(aws_settings: Settings) -> None:
    scene = await make_scene(on_aws=aws_settings)
    program, server = scene.posthorn, scene.server.id
    now = scene.clock.now()
    for start in range(0, MANY, PACKED):
        at = now + start
        refs = await program[BlobStore].put(server, [b"x" * 2_000] * PACKED, at)
        for number, ref in enumerate(refs):
            changes = {"blob": ref, "received_at": at}
            message = a_message(server, start + number + 1, **changes)
            await program[MessageStore].create([message])
            after = replace(
                MessageRecord(message),
                status=Status.SENT,
                state=State.DONE,
                attempt=1,
                deliveries=(a_delivery(1, conversation=b"x" * 120),),
            )
            assert await program[MessageStore].replace(MessageRecord(message), after)
    meter, work = program[Meter], program[ForgetOld]
    meter.reset()
    contents = await work.contents(server, Retention(60, 1, None), now + 5 * DAY, lambda: False)
    spent = meter.snapshot()
    assert contents.bytes == MANY * 2_000
    assert 0.7 < spent.read_units / MANY / prices.CONTENT_FORGOTTEN_READ_UNITS <= 1.2
    written = spent.write_units / MANY / prices.CONTENT_FORGOTTEN_WRITE_UNITS
    assert 0.9 < written <= 1.1
    assert spent.calls["s3.DeleteObjects"] <= MANY / 50  # one for a hundred messages
    meter.reset()
    gone = await work.messages(server, Retention(1, 1, None), now + 5 * DAY, lambda: False)
    spent = meter.snapshot()
    assert gone.messages == MANY
    assert 0.7 < spent.read_units / MANY / prices.MESSAGE_FORGOTTEN_READ_UNITS <= 1.2
    # The meter has no units for deletes by batches: one for the item of a message, one for its entry by recipient.
    assert spent.calls["dynamodb.BatchWriteItem"] <= MANY / 25 + MANY / 100 + 1
