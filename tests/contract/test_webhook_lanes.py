"""Lanes of webhooks: held by one at a time, with what is known of their receivers, and found when they are due."""

from __future__ import annotations

import secrets
from dataclasses import replace

from chalicelib.adapters.aws.session import AwsSession
from chalicelib.adapters.aws.sqs_lanes import SLOW, WEBHOOKS, SqsLanes
from chalicelib.domain.webhooks.lane import Lane, LaneJob
from chalicelib.domain.webhooks.lane_job import parse_lane_job
from chalicelib.ports.webhook_lanes import WebhookLanes
from tests.contract.conftest import World
from tests.fakes import NOW
from tests.webhook_events import eventually


def a_job(world: World) -> LaneJob:
    return LaneJob(world.server, secrets.token_hex(6))


async def woken(world: World, job: LaneJob, now: float = NOW) -> bool:
    """Whether somebody would work at a lane now."""
    if world.family == "aws":
        found = [*await received(world, WEBHOOKS), *await received(world, SLOW)]
    else:
        found = await world[WebhookLanes].due(now, 1_000)
    return any(one.webhook == job.webhook for one in found)


async def received(world: World, name: str) -> list[LaneJob]:
    answer = await world[AwsSession].call(
        "sqs",
        "receive_message",
        QueueUrl=await world[SqsLanes].url(name),
        MaxNumberOfMessages=10,
        VisibilityTimeout=0,
        WaitTimeSeconds=0,
    )
    return [parse_lane_job(one["Body"]) for one in answer.get("Messages", [])]


async def test_one_that_nobody_wrote_to_is_well(world: World) -> None:
    job = a_job(world)
    assert await world[WebhookLanes].get(job.server_id, job.webhook) == Lane(*_names(job))


async def test_one_worker_holds_it_at_a_time(world: World) -> None:
    lanes, job = world[WebhookLanes], a_job(world)
    mine = await lanes.claim(*_names(job), "a", NOW, NOW + 60.5)
    assert (mine.owner, mine.until) == ("a", NOW + 60.5)
    other = await lanes.claim(*_names(job), "b", NOW + 59, NOW + 90)
    assert other == mine
    assert await lanes.extend(mine, NOW + 70)
    mine = replace(mine, until=NOW + 70.0)
    assert (await lanes.claim(*_names(job), "b", NOW + 65, NOW + 90)).owner == "a"
    assert await lanes.let_go(mine, None)
    assert (await lanes.claim(*_names(job), "b", NOW + 65, NOW + 90)).owner == "b"
    assert not await lanes.let_go(mine, None)
    assert not await lanes.extend(mine, NOW + 99)


async def test_one_whose_holder_died_is_free_when_its_time_is_over(world: World) -> None:
    lanes, job = world[WebhookLanes], a_job(world)
    mine = await lanes.claim(*_names(job), "a", NOW, NOW + 60)
    assert (await lanes.claim(*_names(job), "b", NOW + 60, NOW + 90)).owner == "b"
    assert not await lanes.let_go(mine, NOW)


async def test_what_is_known_of_a_receiver_stays(world: World) -> None:
    lanes, job = world[WebhookLanes], a_job(world)
    mine = await lanes.claim(*_names(job), "a", NOW, NOW + 60)
    failing = mine.after_failure(NOW + 1.5, was_slow=True)
    assert await lanes.let_go(failing, None)
    found = await lanes.get(*_names(job))
    assert found == Lane(*_names(job), "", 0.0, NOW + 1.5, True)
    mine = await lanes.claim(*_names(job), "b", NOW + 2, NOW + 60)
    assert (mine.failing_since, mine.is_slow) == (NOW + 1.5, True)
    assert await lanes.let_go(mine.after_success(was_slow=False), None)
    assert await lanes.get(*_names(job)) == Lane(*_names(job))


async def test_failures_are_forgotten_at_the_word_of_a_person(world: World) -> None:
    lanes, job = world[WebhookLanes], a_job(world)
    mine = await lanes.claim(*_names(job), "a", NOW, NOW + 60)
    assert await lanes.let_go(mine.after_failure(NOW, was_slow=True), None)
    await lanes.forget_failures(*_names(job))
    assert await lanes.get(*_names(job)) == Lane(*_names(job))


async def test_one_that_is_woken_is_worked_at(world: World) -> None:
    lanes, job = world[WebhookLanes], a_job(world)
    fresh = ("wdaaaaaaaaaaaaaaaaaaaa", "wdbbbbbbbbbbbbbbbbbbbb")
    await lanes.wake([replace(job, fresh=fresh)])
    await eventually(lambda: woken(world, job), True)
    if world.family == "aws":

        async def told() -> set[tuple[str, ...]]:
            found = await received(world, WEBHOOKS)
            return {one.fresh for one in found if one.webhook == job.webhook}

        await eventually(told, {fresh})


async def test_one_that_is_due_much_later_is_found_by_the_sweep(world: World) -> None:
    lanes, job = world[WebhookLanes], a_job(world)
    mine = await lanes.claim(*_names(job), "a", NOW, NOW + 60)
    assert await lanes.let_go(mine, NOW + 7_200.5)

    async def due(now: float) -> bool:
        return any(one.webhook == job.webhook for one in await lanes.due(now, 1_000))

    await eventually(lambda: due(NOW + 7_201), True)
    assert not await due(NOW + 7_200)
    await lanes.wake([job], NOW + 3_600)
    await eventually(lambda: due(NOW + 3_601), True)
    await lanes.clear_due(job, NOW + 3_601)
    await eventually(lambda: due(NOW + 9_000), False)


async def test_one_that_was_woken_while_it_was_held_is_worked_at_again(world: World) -> None:
    lanes, job = world[WebhookLanes], a_job(world)
    mine = await lanes.claim(*_names(job), "a", NOW, NOW + 60)
    await lanes.wake([job])
    assert await lanes.let_go(mine, None)
    await eventually(lambda: woken(world, job), True)


async def test_slow_ones_are_worked_at_apart(world: World) -> None:
    lanes, job = world[WebhookLanes], a_job(world)
    mine = await lanes.claim(*_names(job), "a", NOW, NOW + 60)
    assert await lanes.let_go(mine.after_failure(NOW, was_slow=True), NOW)
    await eventually(lambda: woken(world, job), True)
    if world.family == "aws":
        assert all(one.webhook != job.webhook for one in await received(world, WEBHOOKS))
        return
    (found,) = [one for one in await lanes.due(NOW, 1_000) if one.webhook == job.webhook]
    assert found.is_slow


def _names(job: LaneJob) -> tuple[int, str]:
    return job.server_id, job.webhook
