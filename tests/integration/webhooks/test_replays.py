"""Deliveries are sent once more because somebody asks, and a sample at once."""

from __future__ import annotations

import json

import pytest

from chalicelib.domain.durations import DAY
from chalicelib.domain.errors import Conflict, InvalidRequest
from chalicelib.domain.http_exchange import HttpAnswer
from chalicelib.ports.webhook_lanes import WebhookLanes
from chalicelib.services.webhooks.replays import Replays
from chalicelib.services.webhooks.sample import SECONDS, TryWebhook
from chalicelib.services.webhooks.webhooks import Webhooks
from tests.webhook_stage import Stage, failing, statuses

ELSEWHERE = "https://joe:p%40ss@test.example/in?x=1"


async def test_a_replay_is_the_same_event_again(stage: Stage) -> None:
    webhook = await stage.webhook()
    await stage.happens(1)
    await stage.turn(webhook)
    (done,) = await stage.listed()
    asked = await stage.program[Replays].replay(done)
    assert asked.status == "delivered"
    assert await stage.turn(webhook) == 1
    first, second = stage.receiver.heard
    assert first.body == second.body
    assert len(set(stage.receiver.ids)) == 1
    (done,) = await stage.listed()
    assert [one.replay for one in done.attempts] == [False, True]
    assert await stage.later(webhook, DAY) == 0


async def test_what_failed_is_delivered_by_a_replay(stage: Stage) -> None:
    webhook = await stage.webhook()
    stage.receiver.answer = failing(410)
    await stage.happens(1)
    await stage.turn(webhook)
    stage.receiver.answer = HttpAnswer(200)
    (failed,) = await stage.listed()
    # It is disabled, and a replay is sent all the same.
    await stage.program[Replays].replay(failed)
    assert await stage.turn(webhook) == 1
    assert statuses(await stage.listed()) == ["delivered"]


async def test_a_replay_that_fails_leaves_the_schedule_alone(stage: Stage) -> None:
    webhook = await stage.webhook()
    stage.receiver.answer = failing(500)
    await stage.happens(1)
    await stage.turn(webhook)
    (before,) = await stage.listed()
    await stage.program[Replays].replay(before)
    assert await stage.turn(webhook) == 1
    (after,) = await stage.listed()
    assert (after.status, after.next_attempt_at, after.tries) == (
        before.status,
        before.next_attempt_at,
        1,
    )


async def test_elsewhere_it_neither_disables_nor_counts(stage: Stage) -> None:
    webhook = await stage.webhook()
    await stage.happens(1)
    await stage.turn(webhook)
    (done,) = await stage.listed()
    for code in (410, 500, -1, 200):
        stage.receiver.answer = HttpAnswer(code)
        await stage.program[Replays].replay((await stage.listed())[0], ELSEWHERE)
        assert await stage.turn(webhook) == 1
        heard = stage.receiver.heard[-1]
        assert (heard.url.bare, heard.url.user_info) == (
            "https://test.example/in?x=1",
            "joe:p%40ss",
        )
        assert heard.body == done.payload
    assert (await stage.now(webhook)).enabled
    lane = await stage.program[WebhookLanes].get(webhook.server_id, webhook.id)
    assert (lane.failing_since, lane.is_slow) == (None, False)
    (after,) = await stage.listed()
    assert (after.status, len(after.attempts)) == ("delivered", 5)


async def test_elsewhere_does_not_deliver_what_waits(stage: Stage) -> None:
    webhook = await stage.webhook()
    stage.receiver.answer = failing(500)
    await stage.happens(1)
    await stage.turn(webhook)
    stage.receiver.answer = HttpAnswer(200)
    await stage.program[Replays].replay((await stage.listed())[0], ELSEWHERE)
    await stage.turn(webhook)
    assert statuses(await stage.listed()) == ["waiting"]
    await stage.later(webhook, 5)
    assert statuses(await stage.listed()) == ["delivered"]


async def test_one_replay_of_a_delivery_waits_at_a_time(stage: Stage) -> None:
    webhook = await stage.webhook()
    await stage.happens(1)
    await stage.turn(webhook)
    (done,) = await stage.listed()
    replays = stage.program[Replays]
    await replays.replay(done, ELSEWHERE)
    (asked,) = await stage.listed()
    # Also for those who read it before.
    for seen in (done, asked):
        for url in (None, ELSEWHERE, "https://third.example/"):
            with pytest.raises(Conflict):
                await replays.replay(seen, url)
    stage.receiver.heard.clear()
    assert await stage.turn(webhook) == 1
    assert [one.url.host for one in stage.receiver.heard] == ["test.example"]
    await replays.replay((await stage.listed())[0], "https://third.example/")
    assert await stage.turn(webhook) == 1
    assert [one.url.host for one in stage.receiver.heard] == ["test.example", "third.example"]


async def test_where_nothing_is_replayed_to(stage: Stage) -> None:
    webhook = await stage.webhook()
    await stage.happens(1)
    await stage.turn(webhook)
    (done,) = await stage.listed()
    for url in ("https://127.1/", "ftp://a.example/", "https://***@a.example/"):
        with pytest.raises(InvalidRequest):
            await stage.program[Replays].replay(done, url)
    await stage.program[Webhooks].remove(webhook)
    with pytest.raises(Conflict):
        await stage.program[Replays].replay(done)


@pytest.mark.parametrize("shape", ["v2", "postal"])
async def test_a_sample_is_sent_at_once_and_listed(stage: Stage, shape: str) -> None:
    webhook = await stage.webhook(format=shape, enabled=False, tags=["a"])
    for code, status in ((200, "delivered"), (410, "failed"), (-1, "failed")):
        stage.receiver.answer = HttpAnswer(code)
        attempt = await stage.program[TryWebhook].send(stage.scene.server, webhook)
        assert (attempt.code, attempt.replay) == (code, False)
        assert stage.receiver.heard[-1].seconds == SECONDS
        stage.scene.clock.advance(1)
        last = (await stage.listed())[-1]
        assert (last.status, last.event, last.attempts) == (status, "webhook.test", (attempt,))
    body = json.loads(stage.receiver.heard[0].body)
    if shape == "v2":
        assert (body["type"], body["data"]) == ("webhook.test", {"webhook": webhook.id})
        assert body["id"] == stage.receiver.ids[0]
    else:
        assert (body["event"], body["payload"]["message"]["id"]) == ("MessageSent", 0)
        assert body["uuid"] == stage.receiver.ids[0]
    lane = await stage.program[WebhookLanes].get(webhook.server_id, webhook.id)
    assert lane.failing_since is None
    assert await stage.later(webhook, DAY) == 0
