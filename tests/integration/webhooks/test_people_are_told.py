"""Who answers for a webhook's organization is told when it is given up, of which server it is."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from chalicelib.domain.http_exchange import HttpAnswer
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
