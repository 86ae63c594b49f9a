"""The installation's numbers tell how attempts at the webhooks of all its servers ended."""

from __future__ import annotations

from dataclasses import replace

from chalicelib.domain.webhooks.lane import LaneJob
from chalicelib.ports.webhook_deliveries import WebhookDeliveries
from chalicelib.services.events.metrics import Metrics
from chalicelib.services.tenancy.servers import Servers
from chalicelib.services.webhooks.work_lane import WorkLane
from tests.webhook_events import a_delivery, a_webhook
from tests.webhook_stage import OK, URL, Stage, failing

NAME = "posthorn_webhook_attempts_total"


async def told(stage: Stage) -> dict[str, str]:
    lines = (await stage.program[Metrics].text()).splitlines()
    return dict(line.rsplit(" ", 1) for line in lines if line.startswith(NAME))


async def test_by_how_they_ended_over_all_servers(stage: Stage) -> None:
    delivered, failed = (f'{NAME}{{result="{name}"}}' for name in ("delivered", "failed"))
    assert await told(stage) == {delivered: "0", failed: "0"}
    webhook = await stage.webhook()
    await stage.happens(1, 2, 3)
    assert await stage.turn(webhook) == 3
    stage.receiver.answer = failing()
    await stage.happens(4)
    assert await stage.later(webhook, 1) == 1
    assert await told(stage) == {delivered: "3", failed: "1"}

    organization = stage.scene.organization
    other = await stage.program[Servers].create(organization, "Another")
    await stage.program[Servers].create(organization, "One that has no webhook")
    elsewhere = await a_webhook(stage.program, other, URL)
    stage.receiver.answer = OK
    delivery = replace(a_delivery(other.id, 5), webhook=elsewhere.id)
    assert await stage.program[WebhookDeliveries].add([delivery]) == [True]
    job = LaneJob(other.id, elsewhere.id, fresh=(delivery.id,))
    assert await stage.program[WorkLane].run(job, 10) == 1
    assert await told(stage) == {delivered: "4", failed: "1"}
