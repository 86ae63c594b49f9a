"""What a webhook costs in calls and units: the first of a burst, and each of many."""

from __future__ import annotations

import json
import secrets
import uuid
from collections.abc import AsyncIterator

import pytest

from chalicelib.adapters.aws.meter import Meter, Usage
from chalicelib.config import Settings
from chalicelib.domain.events.event import Event
from chalicelib.domain.http_exchange import HttpAnswer
from chalicelib.domain.webhooks.lane import LaneJob
from chalicelib.services.webhooks.fan_out import FanOut
from chalicelib.services.webhooks.work_lane import WorkLane
from tests.aws_backend import aws_backend, aws_settings
from tests.webhook_events import an_event
from tests.webhook_stage import Stage, make_stage

__all__ = ["aws_backend", "aws_settings"]
pytestmark = pytest.mark.aws

ANSWERED = (
    *(("date", "Sun, 22 Mar 2026 12:00:00 GMT"), ("content-type", "text/plain; charset=utf-8")),
    *(("content-length", "2"), ("connection", "keep-alive"), ("server", "nginx/1.24.0")),
)


def a_usual_event(stage: Stage, number: int) -> Event:
    """A delivery, with a body as customers get."""
    event = an_event(stage.scene.server.id, number)
    message = secrets.token_hex(16)
    email = {
        "id": 12_345 + number,
        "token": secrets.token_urlsafe(12),
        "direction": "outgoing",
        "status": "Sent",
        "from": "sales@acme.example",
        "to": f"bob.{secrets.token_hex(3)}@example.com",
        "subject": "Your receipt from Acme Inc",
        "message_id": f"{message}@acme.example",
        "stream": "transactional",
        "tag": "receipt",
        "metadata": {"order": str(uuid.uuid4())},
        "size": 20_822,
        "spam_status": "NotChecked",
        "received_at": "2026-03-22T11:59:00.000Z",
    }
    delivery = {
        "id": number,
        "status": "Sent",
        "details": "Message for bob@example.com accepted by 198.51.100.7:25 (mx.example.com)",
        "output": f"250 2.0.0 OK queued as {secrets.token_hex(5)}",
        "at": "2026-03-22T12:00:00.000Z",
        "tls": "TLSv1.3 TLS_AES_256_GCM_SHA384",
        "remote": "198.51.100.7:25 (mx.example.com)",
        "seconds": 0.22,
        "cause": None,
        "report": None,
    }
    body = {
        "id": event.id,
        "type": "email.delivered",
        "timestamp": "2026-03-22T12:00:00.000Z",
        "server": "acme/mail",
        "data": {"email": email, "delivery": delivery},
    }
    return Event(event.id, event.occurrence, json.dumps(body, separators=(",", ":")).encode(), None)


@pytest.fixture
async def stage(aws_settings: Settings) -> AsyncIterator[Stage]:
    made = await make_stage(on_aws=aws_settings)
    made.receiver.answer = HttpAnswer(200, ANSWERED, b"ok", seconds=0.083)
    yield made


async def spent(stage: Stage, count: int) -> tuple[Usage, Usage]:
    """What handing out so many events and posting them cost, apart."""
    webhook = await stage.webhook()
    events = [a_usual_event(stage, number) for number in range(count)]
    meter, server = stage.program[Meter], webhook.server_id
    await stage.program[FanOut].wanted(server)
    meter.reset()
    assert await stage.program[FanOut].take(server, events) == count
    handed = meter.snapshot()
    ids = tuple(one.id for one in await stage.listed(webhook))
    meter.reset()
    assert await stage.program[WorkLane].run(LaneJob(server, webhook.id, fresh=ids), 60) == count
    return handed, meter.snapshot()


async def test_one_that_is_taken_at_once_costs_three_units(stage: Stage) -> None:
    handed, posted = await spent(stage, 100)
    assert handed.write_units == 100
    assert handed.calls["dynamodb.PutItem"] == 100
    # Beside the deliveries: the lane is claimed and let go, the use of the webhook noted, the attempts counted.
    assert posted.write_units == 200 + 4
    assert posted.calls["dynamodb.PutItem"] == 100 + 1
    assert posted.calls["dynamodb.Query"] <= 10
    assert posted.read_units <= 160


async def test_one_alone_costs_four_more_for_its_lane(stage: Stage) -> None:
    handed, posted = await spent(stage, 1)
    assert (handed.write_units, posted.write_units) == (1, 2 + 4)
    assert posted.calls == {
        "dynamodb.UpdateItem": 3,
        "dynamodb.GetItem": 3,
        "dynamodb.Query": 2,
        "dynamodb.BatchGetItem": 1,
        "dynamodb.PutItem": 2,
        "kms.Decrypt": 1,
    }


async def test_whether_a_server_has_webhooks_costs_a_read_unit(stage: Stage) -> None:
    """Of each batch of its changes, also where it has none."""
    meter, server = stage.program[Meter], stage.scene.server.id
    for has_one in (False, True):
        if has_one:
            await stage.webhook()
        for _ in range(2):
            meter.reset()
            assert await stage.program[FanOut].wanted(server) == has_one
            spent = meter.snapshot()
            assert (spent.calls, spent.read_units) == ({"dynamodb.Query": 1}, 1)


async def test_one_that_fails_costs_an_entry_in_the_index_too(stage: Stage) -> None:
    stage.receiver.answer = HttpAnswer(500, ANSWERED, b"no", seconds=0.083)
    _, posted = await spent(stage, 10)
    assert posted.write_units == 10 * 3 + 4
