"""Which events a webhook gets: by type, stream, tag and format."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.occurrence import EventType
from chalicelib.services.webhooks.fan_out import FanOut
from chalicelib.services.webhooks.webhooks import Webhooks
from tests.webhook_events import an_event
from tests.webhook_stage import Stage, make_stage

LIMIT = EventType.SERVER_LIMIT_EXCEEDED


@pytest.mark.parametrize(
    ("given", "event", "gets"),
    [
        ({}, {}, True),
        ({"events": [EventType.EMAIL_DELIVERED]}, {}, True),
        ({"events": [EventType.EMAIL_BOUNCED]}, {}, False),
        ({"streams": ["transactional"]}, {}, True),
        ({"streams": ["broadcast"]}, {}, False),
        ({"streams": ["transactional"]}, {"email": None, "stream": None}, False),
        ({"tags": ["a", "b"]}, {"tag": "b"}, True),
        ({"tags": ["a", "b"]}, {"tag": "c"}, False),
        ({"tags": ["a", "b"]}, {}, False),
        ({"format": "postal"}, {}, True),
        ({"format": "postal"}, {"postal": None}, False),
        ({"format": "postal"}, {"kind": LIMIT, "email": None}, True),
        ({"format": "postal", "events": [LIMIT]}, {"kind": LIMIT, "email": None}, True),
        ({"events": [LIMIT]}, {"kind": LIMIT, "email": None}, True),
        ({"enabled": False}, {}, False),
    ],
)
async def test_filters(given: dict[str, Any], event: dict[str, Any], gets: bool) -> None:
    stage = await make_stage()
    webhook = await stage.webhook(**given)
    assert await stage.happens(1, **event) == int(gets)
    assert await stage.turn(webhook) == int(gets)
    if gets:
        made = an_event(stage.scene.server.id, 1, **event)
        wanted = made.postal if given.get("format") == "postal" else made.v2
        assert stage.receiver.heard[0].body == wanted


async def test_each_webhook_gets_it_under_the_same_id(stage: Stage) -> None:
    webhooks = [await stage.webhook(), await stage.webhook(format="postal")]
    assert await stage.happens(1) == 2
    for webhook in webhooks:
        await stage.turn(webhook)
    assert len(stage.receiver.ids) == 2
    assert len(set(stage.receiver.ids)) == 1
    assert len({one.id for one in await stage.listed()}) == 2


async def test_a_feed_that_is_replayed_adds_nothing(stage: Stage) -> None:
    webhook = await stage.webhook()
    assert await stage.happens(*range(12)) == 12
    assert await stage.happens(*range(6, 18)) == 6
    assert await stage.turn(webhook) == 18
    assert await stage.happens(*range(18)) == 0
    assert await stage.turn(webhook) == 0
    assert len(set(stage.receiver.ids)) == 18


async def test_whether_a_server_has_webhooks_is_known(stage: Stage) -> None:
    wanted = stage.program[FanOut].wanted
    assert not await wanted(stage.scene.server.id)
    webhook = await stage.webhook()
    assert await wanted(stage.scene.server.id)
    await stage.program[Webhooks].change(webhook, {"enabled": False})
    assert not await wanted(stage.scene.server.id)
