"""The function of jobs with a time limit of 20 seconds and a job of 100,000 messages: it ends in time, wakes the next,
and at the end each message was done once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.domain.jobs import JobStatus
from chalicelib.domain.model import MessageRecord
from chalicelib.ports.job_bell import JobBell
from chalicelib.ports.jobs import Jobs
from chalicelib.services.jobs.do_verb import Done, DoVerb, Item
from chalicelib.services.jobs.keep import KeepJobs
from chalicelib.services.jobs.kinds import JobOwner
from chalicelib.services.jobs.mail_found import MailFound
from functions.jobs import jobs_woken
from infra.local.invocation import Context, sqs_event
from tests.fakes import a_message
from tests.worlds import Scene, make_scene

MESSAGES, TIMEOUT = 100_000, 20.0
SECONDS_EACH = 0.002
RUNG = {"MessageId": "1", "ReceiptHandle": "1", "Body": "{}"}
ARN = "arn:aws:sqs:x:y:jobs"


class Rings:
    """How often somebody was woken."""

    count = 0

    async def ring(self) -> None:
        self.count += 1


@pytest.fixture
def rings() -> Rings:
    return Rings()


@pytest.fixture
def scene(rings: Rings) -> Iterator[Scene]:
    made = bootstrap.run(make_scene(parts={JobBell: rings}))
    bootstrap.use(made.posthorn)
    yield made
    bootstrap.use(None)


def invoke(scene: Scene, spent: list[float]) -> None:
    begun = scene.clock.now()
    jobs_woken(sqs_event([RUNG], ARN, "us-east-1"), Context("jobs_woken", TIMEOUT))
    spent.append(scene.clock.now() - begun)


def test_it_goes_on_until_all_are_done(
    scene: Scene, rings: Rings, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, done = scene.server, Counter[int]()

    async def some(_: Any, of: int, wanted: Any, position: str | None) -> Any:
        begin = int(position or 0)
        end = min(begin + 1_000, MESSAGES)
        records = [MessageRecord(a_message(server.id, n + 1)) for n in range(begin, end)]
        scene.clock.advance(0.05)
        return records, None if end == MESSAGES else str(end)

    async def run(_: Any, task: Any, item: Item, record: Any) -> Done:
        scene.clock.advance(SECONDS_EACH)
        done[item.id] += 1
        return Done(item)

    monkeypatch.setattr(MailFound, "some", some)
    monkeypatch.setattr(DoVerb, "run", run)
    owner = JobOwner(server.organization_id, server.full_name, server)
    program = scene.posthorn
    job = bootstrap.run(program[KeepJobs].start(owner, "hold", {"filter": {}}))
    assert rings.count == 1
    spent: list[float] = []
    while rings.count > len(spent):
        invoke(scene, spent)
    job = bootstrap.run(program[Jobs].get(server.id, job.id))
    assert (job.status, job.matched, job.done) == (JobStatus.DONE, MESSAGES, MESSAGES)
    assert len(done) == MESSAGES
    assert set(done.values()) == {1}
    assert len(spent) > 10
    assert max(spent) < TIMEOUT - 5


def test_nobody_is_woken_for_a_job_that_somebody_has(scene: Scene, rings: Rings) -> None:
    server = scene.server
    owner = JobOwner(server.organization_id, server.full_name, server)
    program = scene.posthorn
    job = bootstrap.run(program[KeepJobs].start(owner, "hold", {"filter": {}}))
    kept = bootstrap.run(program[Jobs].get(server.id, job.id))
    taken = replace(kept, lease_until=scene.clock.now() + 60)
    assert bootstrap.run(program[Jobs].change(server.id, taken))
    invoke(scene, [])
    assert rings.count == 1
