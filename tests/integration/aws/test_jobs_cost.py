"""What a job costs on AWS for each message, in calls and units: released, and exported."""

from __future__ import annotations

import pytest

from bench.cost import prices
from chalicelib.adapters.aws.meter import Meter
from chalicelib.adapters.system.clock import SystemClock
from chalicelib.config import Settings
from chalicelib.domain.jobs import JobStatus
from chalicelib.ports.clock import Clock
from chalicelib.services.jobs.keep import KeepJobs
from chalicelib.services.jobs.kinds import JobOwner
from chalicelib.services.jobs.run import RunJobs
from chalicelib.services.outgoing.accept import AcceptMail
from chalicelib.services.queue.message_actions import MessageActions
from tests.aws_backend import aws_backend, aws_settings
from tests.worlds import make_scene

__all__ = ["aws_backend", "aws_settings"]
pytestmark = pytest.mark.aws

MESSAGES = 20
OF_A_JOB = 40  # units for its pieces, whatever it is about


async def test_each_message_costs_what_the_prices_say(aws_settings: Settings) -> None:
    # Files have the time of their store, so the program's clock is the true one.
    scene = await make_scene(on_aws=aws_settings, parts={Clock: SystemClock(aws_settings)})
    program, server = scene.posthorn, scene.server
    owner = JobOwner(server.organization_id, server.full_name, server)
    ids = []
    for number in range(MESSAGES):
        submission = scene.submission(f"u{number}@example.com")
        (made,) = await program[AcceptMail].submit(submission)
        await program[MessageActions].hold(server.id, made.id)
        ids.append(made.id)
    meter = program[Meter]
    for kind, given, writes, reads in (
        ("release", {"ids": ids}, prices.JOB_ITEM_WRITE_UNITS, prices.JOB_ITEM_READ_UNITS),
        ("export", {"what": "emails"}, prices.EXPORT_ROW_WRITE_UNITS, prices.EXPORT_ROW_READ_UNITS),
    ):
        job = await program[KeepJobs].start(owner, kind, given)
        meter.reset()
        for _ in range(3):
            await program[RunJobs].run(600)
        spent = meter.snapshot()
        done = await program[KeepJobs].get(owner, job.id)
        assert (done.status, done.done) == (JobStatus.DONE, MESSAGES)
        assert spent.write_units <= writes * MESSAGES + OF_A_JOB
        assert spent.read_units <= reads * MESSAGES + OF_A_JOB
