"""Events that come while a lane is held are posted soon after its holder is done, not once its lease has ended.

The holder does not see them: a delivery that was never tried is known by its wake-up alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from chalicelib.domain.http_exchange import HttpAnswer
from chalicelib.domain.tenancy.webhooks import Webhook
from chalicelib.domain.webhooks.lane import LaneJob
from chalicelib.domain.webhooks.lane_job import render_lane_job
from chalicelib.ports.webhook_lanes import WebhookLanes
from chalicelib.services.webhooks.work_lane import (
    LEASE_SECONDS,
    MOST_HELD_SECONDS,
    WorkLane,
)
from functions.webhooks import work
from tests.webhook_stage import TURN_SECONDS, Stage, failing, statuses

HOLDER = "somebody else"


class Woken:
    """What was woken, and when, beside the wake-up itself."""

    def __init__(self, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
        self.jobs: list[tuple[LaneJob, float]] = []
        lanes = stage.program[WebhookLanes]
        wake = lanes.wake

        async def noted(jobs: Sequence[LaneJob], at: float = 0) -> None:
            self.jobs += [(one, at) for one in jobs]
            await wake(jobs, at)

        monkeypatch.setattr(lanes, "wake", noted)


@pytest.fixture
def woken(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Woken:
    return Woken(stage, monkeypatch)


async def fresh(stage: Stage, webhook: Webhook) -> tuple[str, ...]:
    return tuple(one.id for one in await stage.listed(webhook))


async def test_they_come_back_with_their_ids_until_the_lane_is_free(
    stage: Stage, woken: Woken
) -> None:
    webhook, clock = await stage.webhook(), stage.scene.clock
    await stage.happens(1)
    job = LaneJob(webhook.server_id, webhook.id, fresh=await fresh(stage, webhook))
    lanes, program = stage.program[WebhookLanes], stage.program
    until = clock.now() + LEASE_SECONDS
    held = await lanes.claim(webhook.server_id, webhook.id, HOLDER, clock.now(), until)
    waits = []
    for _ in range(8):
        woken.jobs.clear()
        assert await program[WorkLane].run(job, TURN_SECONDS) == 0
        ((job, at),) = woken.jobs
        waits.append(at - clock.now())
        clock.advance(at - clock.now())
    assert waits == [1, 2, 3, 4, 5, 5, 5, 5]
    assert max(waits) == MOST_HELD_SECONDS
    assert await lanes.let_go(held, None)
    assert await program[WorkLane].run(job, TURN_SECONDS) == 1
    assert statuses(await stage.listed(webhook)) == ["delivered"]


async def test_they_come_back_when_the_lease_of_one_that_died_has_ended(
    stage: Stage, woken: Woken
) -> None:
    webhook, clock = await stage.webhook(), stage.scene.clock
    await stage.happens(1)
    job = LaneJob(webhook.server_id, webhook.id, fresh=await fresh(stage, webhook), waited=9)
    lanes = stage.program[WebhookLanes]
    until = clock.now() + 1
    await lanes.claim(webhook.server_id, webhook.id, HOLDER, clock.now(), until)
    woken.jobs.clear()
    await stage.program[WorkLane].run(job, TURN_SECONDS)
    ((again, at),) = woken.jobs
    assert (again.fresh, at) == (job.fresh, until + 1)


async def test_those_of_one_lane_in_one_batch_are_one_turn(stage: Stage, woken: Woken) -> None:
    webhook, other = await stage.webhook(), await stage.webhook()
    await stage.happens(*range(9))
    texts = [
        render_lane_job(LaneJob(one.server_id, one.id, fresh=(id,)))
        for one in (webhook, other)
        for id in await fresh(stage, one)
    ]
    woken.jobs.clear()
    stage.receiver.answer = HttpAnswer(200)
    notes: dict[str, object] = {}
    records = [*enumerate([*texts, "no job"])]
    again = await work(stage.program, [(str(number), text) for number, text in records], notes)
    assert again == {str(len(texts))}
    assert (notes["lanes"], notes["requests"]) == (2, 18)
    assert woken.jobs == []
    assert set(statuses(await stage.listed())) == {"delivered"}


async def test_those_of_a_turn_that_broke_are_all_handed_out_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook = await stage.webhook()
    await stage.happens(1, 2)
    records = [
        (id, render_lane_job(LaneJob(webhook.server_id, webhook.id, fresh=(id,))))
        for id in await fresh(stage, webhook)
    ]

    async def breaks(*_: object) -> int:
        raise ValueError("broken")

    monkeypatch.setattr(stage.program[WorkLane], "run", breaks)
    stage.receiver.answer = failing()
    assert await work(stage.program, records, {}) == {id for id, _ in records}
