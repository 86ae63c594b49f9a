"""Every minute: work on jobs, for most of the minute, and go on in the next.

What is left to do is found in the store, so that nothing wakes this function, and whatever it was at when it ended is
gone on with by the next.
"""

from __future__ import annotations

from collections.abc import Callable

from chalice.app import Blueprint, Rate

from chalicelib.bootstrap import Posthorn
from chalicelib.services.jobs.run import RunJobs
from functions.runtime import Notes
from functions.schedule import on_schedule

SECONDS = 50.0
blueprint = Blueprint(__name__)


async def work_on_jobs(
    posthorn: Posthorn,
    notes: Notes,
    seconds: float = SECONDS,
    is_over: Callable[[], bool] = lambda: False,
) -> None:
    """So many seconds of work, if there is any."""
    notes["pieces"] = await posthorn[RunJobs].run(seconds, is_over)


jobs = blueprint.schedule(Rate(1, unit=Rate.MINUTES), name="jobs")(
    on_schedule("jobs", work_on_jobs)
)
