"""One host works on jobs beside mail, and lets go of them when it is told to stop."""

from __future__ import annotations

import asyncio

from chalicelib.domain.jobs import JobStatus
from chalicelib.services.jobs.keep import KeepJobs
from chalicelib.services.jobs.kinds import JobOwner
from onehost.upkeep import Upkeep
from tests.worlds import make_scene


async def test_a_job_is_done_by_the_upkeep() -> None:
    scene = await make_scene()
    jobs, upkeep = scene.posthorn[KeepJobs], Upkeep(scene.posthorn)
    owner = JobOwner(scene.server.organization_id, scene.server.full_name, scene.server)
    await upkeep.jobs()
    job = await jobs.start(owner, "import_suppressions", {"csv": "address\nann@example.com\n"})
    await upkeep.jobs()
    assert (await jobs.get(owner, job.id)).status is JobStatus.DONE
    assert await scene.suppressed("ann@example.com") is not None


async def test_a_host_that_stops_leaves_the_rest_to_the_next() -> None:
    scene = await make_scene()
    jobs, upkeep = scene.posthorn[KeepJobs], Upkeep(scene.posthorn)
    owner = JobOwner(scene.server.organization_id, scene.server.full_name, scene.server)
    job = await jobs.start(owner, "import_suppressions", {"csv": "address\nann@example.com\n"})
    stop = asyncio.Event()
    stop.set()
    await upkeep.run(stop)
    await upkeep.jobs()
    assert (await jobs.get(owner, job.id)).status is JobStatus.QUEUED
    await Upkeep(scene.posthorn).jobs()
    assert (await jobs.get(owner, job.id)).status is JobStatus.DONE
