"""What the whole installation is at: its queues, what failed too often, and the jobs of all tenants that are not over.

Each number is asked for when somebody looks; a part that does not answer is left out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.jobs import Job
from chalicelib.ports.backends import Backends, QueueLoad
from chalicelib.ports.jobs import Jobs

MOST_JOBS = 100
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Load:
    """What waits and runs, at most MOST_JOBS of the jobs, those that were asked for first before others. None: it could
    not be found out now; of `outbox_lag` also that nobody counts it."""

    queues: Sequence[QueueLoad] | None
    dead_letters: int | None
    outbox_lag: float | None
    jobs: Sequence[Job] | None
    has_more_jobs: bool


class Workload:
    """Asks queues and jobs at a time."""

    def __init__(self, backends: Backends, jobs: Jobs) -> None:
        self._backends = backends
        self._jobs = jobs

    async def read(self) -> Load:
        """What it is at."""
        queues, letters, lag, found = await asyncio.gather(
            _known(self._backends.queues()),
            _known(self._backends.dead_letters()),
            _known(self._backends.outbox_lag()),
            _known(self._jobs.open(MOST_JOBS + 1)),
        )
        jobs = None if found is None else [job for _, job in found[:MOST_JOBS]]
        return Load(queues, letters, lag, jobs, found is not None and len(found) > MOST_JOBS)


async def _known(asked: Awaitable[T]) -> T | None:
    try:
        return await asked
    except TemporaryFailure:
        return None
