"""A receiver that takes long is worked at among slow ones, whatever it answers, until it takes something quickly."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from chalicelib.domain.http_exchange import HttpAnswer, HttpRequest, NoAnswer
from chalicelib.domain.occurrence import EventType
from chalicelib.domain.tenancy.webhooks import Webhook
from chalicelib.domain.webhooks.lane import LaneJob
from chalicelib.domain.webhooks.schedule import QUICK_SECONDS
from chalicelib.ports.webhook_lanes import WebhookLanes
from chalicelib.services.webhooks.places import EnoughRoom
from chalicelib.services.webhooks.work_lane import WorkLane
from tests.webhook_stage import TURN_SECONDS, Stage, statuses

LONG = QUICK_SECONDS + 0.1


async def run(stage: Stage, webhook: Webhook, *, is_slow: bool) -> int:
    """One turn of those who work at such lanes."""
    waiting = [one.id for one in await stage.listed(webhook) if one.due_at is not None]
    job = LaneJob(webhook.server_id, webhook.id, is_slow=is_slow, fresh=tuple(waiting))
    return await stage.program[WorkLane].run(job, TURN_SECONDS)


async def is_slow(stage: Stage, webhook: Webhook) -> bool:
    return (await stage.program[WebhookLanes].get(webhook.server_id, webhook.id)).is_slow


@pytest.mark.parametrize("code", [200, 500])
async def test_one_that_takes_long_goes_to_the_slow_ones(stage: Stage, code: int) -> None:
    webhook = await stage.webhook()
    stage.receiver.answer = HttpAnswer(code, seconds=LONG)
    await stage.happens(*range(5))
    assert await run(stage, webhook, is_slow=False) == 1
    assert await is_slow(stage, webhook)
    assert await run(stage, webhook, is_slow=False) == 0
    stage.receiver.answer = HttpAnswer(200, seconds=QUICK_SECONDS)
    assert await run(stage, webhook, is_slow=True) >= 4
    assert not await is_slow(stage, webhook)


async def test_who_dies_while_it_hands_on_a_slow_lane_has_woken_it(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook = await stage.webhook()
    stage.receiver.answer = HttpAnswer(200, seconds=LONG)
    await stage.happens(1, 2)
    await run(stage, webhook, is_slow=False)
    lanes = stage.program[WebhookLanes]
    woken: list[LaneJob] = []

    async def noted(jobs: Sequence[LaneJob], at: float = 0) -> None:
        woken.extend(jobs)

    async def dies(*_: object) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(lanes, "wake", noted)
    monkeypatch.setattr(lanes, "let_go", dies)
    with pytest.raises(KeyboardInterrupt):
        await run(stage, webhook, is_slow=False)
    assert [(one.webhook, one.is_slow) for one in woken] == [(webhook.id, True)]


async def test_no_invocation_waits_long_for_one_that_was_quick(stage: Stage) -> None:
    webhook, longest = await stage.webhook(timeout=30), EnoughRoom().longest

    def answer(request: HttpRequest) -> HttpAnswer:
        if b"email.delayed" not in request.body:
            return HttpAnswer(200)
        if request.seconds < longest + 1:
            return HttpAnswer(NoAnswer.TIMED_OUT, seconds=request.seconds)
        return HttpAnswer(200, seconds=longest + 1)

    stage.receiver.answer = answer
    await stage.happens(1, 2)
    await stage.happens(3, kind=EventType.EMAIL_DELAYED)
    # One, then two at a time: what is quick beside it does not make it quick.
    assert await run(stage, webhook, is_slow=False) == 3
    assert [len(one.attempts) for one in await stage.listed(webhook)] == [1, 1, 0]
    lane = await stage.program[WebhookLanes].get(webhook.server_id, webhook.id)
    assert (lane.is_slow, lane.failing_since) == (True, None)
    assert await run(stage, webhook, is_slow=True) == 1
    assert [request.seconds for request in stage.receiver.heard] == [longest] * 3 + [30]
    assert len(set(stage.receiver.ids)) == 3
    assert [len(one.attempts) for one in await stage.listed(webhook)] == [1, 1, 1]
    assert set(statuses(await stage.listed(webhook))) == {"delivered"}


async def test_one_that_is_slow_and_takes_all_gets_all_in_one_turn(stage: Stage) -> None:
    webhook = await stage.webhook()
    stage.receiver.answer = HttpAnswer(200, seconds=LONG)
    await stage.happens(*range(9))
    assert await run(stage, webhook, is_slow=False) == 1
    assert await run(stage, webhook, is_slow=True) == 8
    assert await is_slow(stage, webhook)
    assert set(statuses(await stage.listed(webhook))) == {"delivered"}


async def test_after_a_time_out_it_is_one_at_a_time_until_it_takes_something(stage: Stage) -> None:
    webhook = await stage.webhook()
    stage.receiver.answer = HttpAnswer(-1, seconds=5.0)
    await stage.happens(*range(6))
    assert await run(stage, webhook, is_slow=False) == 1
    for _ in range(2):
        assert await run(stage, webhook, is_slow=True) == 1
    stage.receiver.answer = HttpAnswer(200, seconds=LONG)
    assert await run(stage, webhook, is_slow=True) >= 3
