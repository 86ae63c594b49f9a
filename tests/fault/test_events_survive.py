"""Processes die between what happens and who is told: every event is told, none twice in the list, none by two ids."""

from __future__ import annotations

from collections import Counter

import pytest

from chalicelib import bootstrap
from chalicelib.adapters.aws.dynamo.event_log import SETTLING_SECONDS
from chalicelib.domain.events.event import Event
from chalicelib.domain.webhooks.delivery import DeliveryFilter, WebhookDelivery
from chalicelib.ports.event_log import EventLog
from chalicelib.ports.webhook_deliveries import WebhookDeliveries
from chalicelib.services.events.compose import ComposeEvents
from chalicelib.services.webhooks.webhooks import Webhooks
from tests.fault.stage import Stage, settle

OF_THE_OUTBOX = [
    "event_log.append:before",
    "event_log.append:after",
    "webhook_deliveries.add:before",
    "webhook_deliveries.add:after",
    "webhook_lanes.wake:before",
    "webhook_lanes.wake:after",
]
OF_A_WORKER = ["messages.replace:before", "messages.replace:after"]


async def listed(stage: Stage) -> list[Event]:
    """What GET /events shows."""
    program = stage.program
    page = await program[EventLog].page(stage.server.id, limit=100)
    return await program[ComposeEvents].compose(stage.server.id, page.occurrences)


async def handed_on(stage: Stage, webhook: str) -> list[WebhookDelivery]:
    """What the webhook is to get."""
    wanted = DeliveryFilter(webhook=webhook)
    page = await stage.program[WebhookDeliveries].page(stage.server.id, wanted, 100)
    return list(page.values)


def check(stage: Stage, webhook: str, expected: dict[str, int]) -> None:
    if (
        "POSTHORN_STATE_FOLDER" not in stage.environment
        or not stage.environment["POSTHORN_STATE_FOLDER"]
    ):
        settle(SETTLING_SECONDS + 1)
    events = bootstrap.run(listed(stage))
    deliveries = bootstrap.run(handed_on(stage, webhook))
    assert Counter(one.occurrence.type.value for one in events) == expected
    ids = {one.id for one in events}
    assert len(ids) == len(events) == len(deliveries)
    assert {one.event_id for one in deliveries} == ids
    bodies = {one.id: one.v2 for one in events}
    assert {one.event_id: one.payload for one in deliveries} == bodies


def webhook_of(stage: Stage) -> str:
    made, _ = bootstrap.run(
        stage.program[Webhooks].create(stage.server, {"url": "https://app.example/"})
    )
    return made.id


@pytest.mark.parametrize("point", OF_THE_OUTBOX)
def test_the_outbox_dies(stage: Stage, point: str) -> None:
    webhook = webhook_of(stage)
    stage.accept()
    stage.accept()
    stage.work_until_done()
    stage.run("count", point)
    for _ in range(2):
        stage.run("count")
    check(stage, webhook, {"email.delivered": 2})


@pytest.mark.parametrize("point", OF_A_WORKER)
def test_a_worker_dies(stage: Stage, point: str) -> None:
    webhook = webhook_of(stage)
    stage.accept()
    stage.run("work", point)
    stage.run("count")
    stage.work_until_done()
    for _ in range(2):
        stage.run("count")
    record = stage.records()[0]
    kinds = Counter(
        {"Sent": "email.delivered", "SoftFail": "email.delayed", "Held": "email.held"}[one.status]
        for one in stage.record(record.message.id).deliveries
    )
    check(stage, webhook, dict(kinds))
