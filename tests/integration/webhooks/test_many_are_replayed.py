"""A job that replays webhooks: what it is about, what it leaves alone, and what a worker that dies repeats."""

from __future__ import annotations

import pytest

from chalicelib.domain.errors import InvalidRequest, TemporaryFailure
from chalicelib.domain.http_exchange import HttpAnswer
from chalicelib.domain.jobs import Job, JobStatus
from chalicelib.domain.numbering import OrganizationId
from chalicelib.domain.occurrence import EventType
from chalicelib.domain.tenancy.webhooks import Webhook
from chalicelib.ports.clock import Clock
from chalicelib.ports.jobs import Jobs
from chalicelib.services.jobs.keep import KeepJobs
from chalicelib.services.jobs.kinds import JobOwner
from chalicelib.services.jobs.run import RunJobs
from chalicelib.services.webhooks.replays import WAITS, Replays
from chalicelib.services.webhooks.webhooks import Webhooks
from tests.webhook_stage import OK, Stage


def owner_of(stage: Stage) -> JobOwner:
    server = stage.scene.server
    return JobOwner(OrganizationId(server.organization_id), server.full_name, server)


async def started(stage: Stage, **parameters: object) -> Job:
    return await stage.program[KeepJobs].start(owner_of(stage), "replay_webhooks", parameters)


async def looked(stage: Stage, **parameters: object) -> object:
    return await stage.program[KeepJobs].look(owner_of(stage), "replay_webhooks", parameters)


async def ran(stage: Stage, job: Job) -> Job:
    await stage.program[RunJobs].run(60)
    return await stage.program[Jobs].get(stage.scene.server.id, job.id)


async def failed(stage: Stage, *numbers: int) -> Webhook:
    """A webhook to which events were posted in vain."""
    webhook = await stage.webhook(retries="postal")
    stage.receiver.answer = HttpAnswer(500)
    await stage.happens(*numbers)
    await stage.turn(webhook)
    stage.receiver.answer = OK
    stage.receiver.heard.clear()
    stage.scene.clock.advance(1)
    return webhook


async def test_all_that_match_are_sent_once_more_under_their_ids(stage: Stage) -> None:
    webhook = await failed(stage, *range(1, 8))
    sent = {one.event_id for one in await stage.listed(webhook)}
    job = await ran(stage, await started(stage))
    assert (job.status, job.matched, job.done, job.failed) == (JobStatus.DONE, 7, 7, 0)
    await stage.turn(webhook)
    assert set(stage.receiver.ids) == sent
    assert len(stage.receiver.ids) == 7


async def test_filters_choose(stage: Stage) -> None:
    webhook = await failed(stage, 1, 2)
    await stage.happens(3, kind=EventType.EMAIL_BOUNCED)
    await stage.turn(webhook)
    stage.scene.clock.advance(1)
    looked = await stage.program[KeepJobs].look(
        owner_of(stage), "replay_webhooks", {"events": ["email.bounced"]}
    )
    assert (looked.matched, looked.is_exact) == (1, True)
    delivered = await ran(stage, await started(stage, status="delivered"))
    assert delivered.matched == 1
    other = await stage.webhook()
    nothing = await ran(stage, await started(stage, webhook=other.id))
    assert (nothing.status, nothing.matched) == (JobStatus.DONE, 0)


async def test_a_webhook_that_is_not_there_is_told(stage: Stage) -> None:
    for asked in (started(stage, webhook="whnobody"), looked(stage, webhook="whnobody")):
        with pytest.raises(InvalidRequest) as refused:
            await asked
        (error,) = refused.value.errors
        assert (error.pointer, error.code) == ("/webhook", "unknown_reference")


async def test_what_happens_later_is_none_of_it(stage: Stage) -> None:
    webhook = await failed(stage, 1)
    job = await started(stage)
    await stage.happens(2)
    done = await ran(stage, job)
    assert done.matched == 1
    assert await stage.listed(webhook)


async def test_a_piece_that_is_done_again_asks_for_nothing_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook = await failed(stage, 1, 2)
    job = await started(stage)
    jobs = stage.program[Jobs]
    change = jobs.change
    calls = 0

    async def dies(owner: object, after: Job) -> Job | None:
        nonlocal calls
        if after.done:
            calls += 1
            if calls == 1:
                raise TemporaryFailure("away")
        return await change(owner, after)  # type: ignore[arg-type]  # as it came

    monkeypatch.setattr(jobs, "change", dies)
    with pytest.raises(TemporaryFailure):
        await stage.program[RunJobs].run(60)
    await stage.turn(webhook)
    assert len(stage.receiver.ids) == 2
    stage.scene.clock.advance(120)  # its lease is over
    done = await ran(stage, job)
    assert (done.status, done.done) == (JobStatus.DONE, 2)
    await stage.turn(webhook)
    assert len(stage.receiver.ids) == 2


ELSEWHERE = "https://elsewhere.example/hook"


async def test_what_was_replayed_to_another_address_is_none_of_it(stage: Stage) -> None:
    webhook = await failed(stage, 1)
    job = await started(stage)
    await stage.program[Replays].replay((await stage.listed(webhook))[0], ELSEWHERE)
    await stage.turn(webhook)
    done = await ran(stage, job)
    assert (done.done, done.failed) == (1, 0)
    await stage.turn(webhook)
    assert [one.url.host for one in stage.receiver.heard] == ["elsewhere.example", "app.example"]
    assert (await stage.listed(webhook))[0].status == "delivered"


@pytest.mark.parametrize("url", [None, ELSEWHERE])
async def test_what_was_replayed_to_the_same_address_counts(stage: Stage, url: str | None) -> None:
    webhook = await failed(stage, 1, 2)
    job = await started(stage, **({} if url is None else {"url": url}))
    first, second = await stage.listed(webhook)
    await stage.program[Replays].replay(first, url)
    await stage.turn(webhook)
    await stage.program[Replays].replay(second, url)
    done = await ran(stage, job)
    assert (done.done, done.failed) == (2, 0)
    await stage.turn(webhook)
    assert len(stage.receiver.heard) == 2


async def test_what_waits_to_be_replayed_to_another_address_fails(stage: Stage) -> None:
    webhook = await failed(stage, 1)
    job = await started(stage)
    await stage.program[Replays].replay((await stage.listed(webhook))[0], ELSEWHERE)
    done = await ran(stage, job)
    assert (done.done, done.failed) == (0, 1)
    assert done.errors[0].detail == WAITS


async def test_those_of_a_webhook_that_is_gone_fail(stage: Stage) -> None:
    webhook = await failed(stage, 1)
    await stage.program[Webhooks].remove(webhook)
    job = await ran(stage, await started(stage))
    assert (job.done, job.failed) == (0, 1)
    assert job.errors[0].detail == "The webhook of this delivery was deleted"


@pytest.mark.parametrize(
    "url", ["ftp://app.example/", "https://u:p@app.example/", "no", "http://us℀er@example.com/"]
)
async def test_a_url_that_is_none_or_holds_a_secret_is_refused(stage: Stage, url: str) -> None:
    with pytest.raises(InvalidRequest):
        await started(stage, url=url)


async def test_another_url_gets_them_and_counts_for_nothing(stage: Stage) -> None:
    webhook = await failed(stage, 1)
    await ran(stage, await started(stage, url="https://elsewhere.example/hook"))
    await stage.turn(webhook)
    assert [one.url.bare for one in stage.receiver.heard] == ["https://elsewhere.example/hook"]
    (delivery,) = await stage.listed(webhook)
    assert delivery.status.value == "waiting"
    assert stage.program[Clock].now() >= delivery.created_at
