"""A webhook that is given up: who answers for its organization is told, and what waits for it waits no more."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from chalicelib.domain.durations import DAY
from chalicelib.domain.http_exchange import HttpAnswer
from chalicelib.domain.webhooks.delivery import DeliveryStatus
from tests.webhook_stage import Stage

if TYPE_CHECKING:
    import pytest


async def test_the_notice_names_organization_and_server(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    webhook = await stage.webhook()
    stage.receiver.answer = HttpAnswer(410)
    await stage.happens(1)
    with caplog.at_level(logging.WARNING, "posthorn.system_mail"):
        await stage.turn(webhook)
    (told,) = [one for one in caplog.records if one.getMessage() == "notice"]
    fields = told.__dict__["fields"]
    assert fields["organization"] == stage.scene.server.organization_permalink
    assert webhook.name in fields["subject"]


async def test_what_waits_fails_with_it(stage: Stage) -> None:
    webhook = await stage.webhook()
    stage.receiver.answer = HttpAnswer(500)
    await stage.happens(*range(1, 30))
    await stage.turn(webhook)
    stage.scene.clock.advance(3 * DAY + 100)
    await stage.turn(webhook)
    assert {one.status for one in await stage.listed(webhook)} == {DeliveryStatus.FAILED}
    stage.receiver.heard.clear()
    assert await stage.later(webhook, 30 * DAY) == 0
