"""A report that comes twice acts once, whatever a person did with the list in between; a job that comes twice does the
rest of what a worker that died left."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from chalicelib.adapters.aws.session import AwsSession
from chalicelib.adapters.scripted.time import ControlledClock
from chalicelib.adapters.sqlite.queue import SqliteWorkQueue
from chalicelib.adapters.system.faults import raising
from chalicelib.bootstrap import Parts, in_memory
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.model import Status
from chalicelib.domain.report import ReportKind
from chalicelib.ports.clock import Clock
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.queue import WorkQueue
from chalicelib.ports.suppressions import SuppressionList
from chalicelib.services.suppress import SuppressRecipients
from tests.aws_backend import aws_backend, aws_names, aws_settings
from tests.fakes import NOW
from tests.reported_mail import Sent, arrive, complaint, delivery_report, send, work
from tests.worlds import Scene, make_scene

__all__ = ["aws_backend", "aws_names", "aws_settings"]
REPORTS = {"bounce": delivery_report(), "complaint": complaint()}


@pytest.fixture(params=["sqlite", pytest.param("aws", marks=pytest.mark.aws)])
async def scene(request: pytest.FixtureRequest) -> AsyncIterator[Scene]:
    """On either engine; what waits is in a queue in memory."""
    if request.param == "sqlite":
        yield await make_scene()
        return
    clock = ControlledClock(NOW)
    parts: Parts = {Clock: clock, ControlledClock: clock}
    queue = in_memory(parts=parts)[SqliteWorkQueue]
    parts = {**parts, WorkQueue: queue, SqliteWorkQueue: queue}
    found = await make_scene(on_aws=request.getfixturevalue("aws_settings"), parts=parts)
    yield found
    found.posthorn[AwsSession].close()


async def forget(sent: Sent) -> None:
    """A person takes the recipient off the list."""
    scene, entry = sent.scene, await sent.listed()
    assert entry is not None
    assert await scene.posthorn[SuppressionList].remove(scene.server.id, entry)


async def comes(sent: Sent, kind: str) -> Status:
    return (await arrive(sent.scene, sent.return_path, REPORTS[kind])).status


@pytest.mark.parametrize("kind", REPORTS)
async def test_it_suppresses_once(scene: Scene, kind: str) -> None:
    sent = await send(scene)
    assert await comes(sent, kind) is Status.PROCESSED
    entry = await sent.listed()
    assert entry is not None
    scene.clock.advance(3_600)
    assert await comes(sent, kind) is Status.PROCESSED
    assert await sent.listed() == entry
    await forget(sent)
    assert await comes(sent, kind) is Status.PROCESSED
    assert await sent.listed() is None
    assert [row.suppressed for row in await sent.reports()] == [True, False, False]
    bounced = [Status.BOUNCED] if kind == "bounce" else []
    assert await sent.statuses() == [Status.SENT, *bounced]


async def test_a_bounce_behind_a_complaint_suppresses_no_more(scene: Scene) -> None:
    sent = await send(scene)
    await comes(sent, "complaint")
    await forget(sent)
    assert await comes(sent, "bounce") is Status.PROCESSED
    assert await sent.listed() is None
    assert await sent.statuses() == [Status.SENT, Status.BOUNCED]
    told = [(row.kind, row.suppressed) for row in await sent.reports()]
    assert told == [(ReportKind.COMPLAINT, True), (ReportKind.BOUNCE, False)]


async def test_a_complaint_behind_a_bounce_suppresses_for_good(scene: Scene) -> None:
    sent = await send(scene)
    await comes(sent, "bounce")
    await comes(sent, "complaint")
    entry = await sent.listed()
    assert entry is not None
    assert entry.reason == "complained"


async def test_one_on_another_message_suppresses_again(scene: Scene) -> None:
    first, second = await send(scene), None
    await comes(first, "bounce")
    await forget(first)
    second = await send(scene)
    await comes(second, "bounce")
    assert await second.listed() is not None


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("kind", REPORTS)
async def test_a_job_that_comes_again_does_the_rest(scene: Scene, kind: str, when: str) -> None:
    sent = await send(scene)
    step, fault = scene.posthorn[SuppressRecipients], TemporaryFailure("The store is away.")
    step._suppressions = raising(step._suppressions, "put", fault, when, 1)
    record = await arrive(scene, sent.return_path, REPORTS[kind])
    assert record.status is Status.ERROR
    assert (await sent.listed() is None) is (when == "before")
    scene.clock.advance(600)
    await work(scene)
    again = await scene.posthorn[MessageStore].get(scene.server.id, record.message.id)
    assert again.status is Status.PROCESSED
    entry, (row,) = await sent.listed(), await sent.reports()
    assert entry is not None
    assert (entry.report, row.suppressed) == (row.id, True)
