"""What suppression lists cost on AWS, in calls and units: a look-up, an import, a page, an entry by hand."""

from __future__ import annotations

import pytest

from chalicelib.adapters.aws.meter import Meter, Usage
from chalicelib.config import Settings
from chalicelib.domain.jobs import JobStatus
from chalicelib.domain.suppression import Asked, Reason, SuppressionFilter, list_of
from chalicelib.ports.suppressions import SuppressionList
from chalicelib.services.jobs.keep import KeepJobs
from chalicelib.services.jobs.kinds import JobOwner
from chalicelib.services.jobs.run import RunJobs
from chalicelib.services.suppress import SuppressRecipients
from tests.aws_backend import aws_backend, aws_settings
from tests.worlds import make_scene

__all__ = ["aws_backend", "aws_settings"]
pytestmark = pytest.mark.aws

ROWS = 1_000
MESSAGES = 50


async def test_lists_cost_as_much_as_is_written_down(aws_settings: Settings) -> None:
    scene = await make_scene(on_aws=aws_settings)
    program, server = scene.posthorn, scene.server
    meter, lists, now = program[Meter], program[SuppressionList], scene.clock.now()
    owner = JobOwner(server.organization_id, server.full_name, server)
    rows = "".join(f"user{number}@example.com,bounce\n" for number in range(ROWS))
    given = {"csv": f"address,reason\n{rows}"}
    job = await program[KeepJobs].start(owner, "import_suppressions", given)
    meter.reset()
    await program[RunJobs].run(600)
    spent = meter.snapshot()
    assert (await program[KeepJobs].get(owner, job.id)).status is JobStatus.DONE
    # A put each, with its place by time; a read of each, which nothing is there for; the job itself.
    assert ROWS <= calls(spent)["PutItem"] <= ROWS + 10
    assert spent.write_units <= 2 * ROWS + 60
    assert ROWS <= spent.read_units <= ROWS + 20

    people = [f"user{number}@example.com" for number in range(MESSAGES)]
    asked = [Asked(server.id, server.organization_id, one, "news") for one in people]
    meter.reset()
    assert len(await lists.listed(asked, now)) == MESSAGES
    spent = meter.snapshot()
    # Three places for each address and three for the domain that they share.
    # Two more: whether either list has an address that was erased.
    assert spent.read_units == 0.5 * (3 * MESSAGES + 5)
    assert calls(spent) == {"BatchGetItem": 2}

    owners = [server.id, list_of(server.organization_id)]
    await lists.page(owners, SuppressionFilter(), 30, now)
    meter.reset()
    assert len((await lists.page(owners, SuppressionFilter(), 30, now)).values) == 30
    spent = meter.snapshot()
    assert spent.write_units == 0
    assert spent.read_units <= 40

    meter.reset()
    await program[SuppressRecipients].add(server, "new@example.com", Reason.BOUNCE)
    # A transaction counts twice: the entry, its place, what is told.
    assert meter.snapshot().write_units <= 6


def calls(spent: Usage) -> dict[str, int]:
    return {name.removeprefix("dynamodb."): count for name, count in spent.calls.items()}
