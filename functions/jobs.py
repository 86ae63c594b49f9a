"""Work on jobs: at once when one is asked for, and each minute, in case that nobody was woken.

What is left to do is found in the store, so that a message that wakes says nothing, and may come twice or get lost.
Whatever a function was at when it ended is gone on with by the next, which it wakes itself if there is more to do.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from chalice.app import Blueprint, Rate

from chalicelib import bootstrap
from chalicelib.bootstrap import Posthorn
from chalicelib.config import read_settings
from chalicelib.ports.job_bell import JobBell
from chalicelib.services.jobs.run import RunJobs
from functions.runtime import Notes, UnitOfWork, named, request_id_of, seconds_left
from functions.schedule import on_schedule

SECONDS = 50.0
SPARED_SECONDS = 10.0
"""For the piece that it is at when its time is over, the longest of which joins a file."""
blueprint = Blueprint(__name__)
_QUEUE = f"{read_settings(os.environ).queue_prefix}jobs"


async def work_on_jobs(
    posthorn: Posthorn,
    notes: Notes,
    seconds: float = SECONDS,
    is_over: Callable[[], bool] = lambda: False,
) -> None:
    """So many seconds of work, if there is any."""
    notes["pieces"] = await posthorn[RunJobs].run(seconds, is_over)


async def work_when_woken(posthorn: Posthorn, notes: Notes, left: float) -> None:
    """Work for as long as the function may, and wake another one when there is more."""
    await work_on_jobs(posthorn, notes, min(SECONDS, max(1.0, left - SPARED_SECONDS)))
    if await posthorn[RunJobs].has_more():
        notes["rung"] = True
        await posthorn[JobBell].ring()


def on_bell(unit: str) -> Callable[[Any], None]:
    """The handler of the queue; an error leaves it, so that the message comes again and Lambda counts it."""

    def handle(event: Any) -> None:
        notes: Notes = {}
        left = seconds_left(event.context)()
        with UnitOfWork(unit, request_id_of(event.context), notes):
            bootstrap.run(work_when_woken(bootstrap.posthorn(), notes, left))

    return named(handle, unit, work_when_woken)


jobs = blueprint.schedule(Rate(1, unit=Rate.MINUTES), name="jobs")(
    on_schedule("jobs", work_on_jobs)
)
jobs_woken = blueprint.on_sqs_message(queue=_QUEUE, batch_size=10, name="jobs_woken")(
    on_bell("jobs_woken")
)
