"""Working off jobs: whoever has time takes one after the other, for a while each, and lets it go.

A job is leased by a change of its version. Every piece renews the lease and keeps what it came to; a runner that died
leaves the piece that it was at to whoever comes when the lease is over. A stop is heard before the next piece.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from chalicelib.domain.errors import MailError, NotFound, TemporaryFailure
from chalicelib.domain.jobs import MOST_RUNNING, Job, JobStatus, Piece, after_piece, ended
from chalicelib.domain.numbering import ServerId
from chalicelib.ports.clock import Clock
from chalicelib.ports.jobs import Jobs
from chalicelib.services.jobs.types import JobTypes

LOG = logging.getLogger("posthorn.jobs")
LEASE_SECONDS = 60
AT_ONCE_SECONDS = 3.0
MOST_LOOKED_AT = 1_000


class RunJobs:
    """A runner; there may be any number of them."""

    def __init__(self, clock: Clock, jobs: Jobs, types: JobTypes) -> None:
        self._clock = clock
        self._jobs = jobs
        self._types = types

    async def run(self, seconds: float, is_over: Callable[[], bool] = lambda: False) -> int:
        """Work for about so many seconds, until it `is_over` or nothing is left to do; how many pieces that were."""
        until, pieces = self._clock.monotonic() + seconds, 0
        while self._clock.monotonic() < until and not is_over():
            before = pieces
            for owner, job in self._in_turn(await self._jobs.open(MOST_LOOKED_AT)):
                end = min(until, self._clock.monotonic() + AT_ONCE_SECONDS)
                pieces += await self._work(owner, job, end)
                await asyncio.sleep(0)
                if self._clock.monotonic() >= until or is_over():
                    break
            if pieces == before:
                break
        return pieces

    async def has_more(self) -> bool:
        """Whether there is a job that nobody is at."""
        now = self._clock.now()
        return any(job.lease_until <= now for _, job in await self._jobs.open(MOST_LOOKED_AT))

    def _in_turn(self, jobs: list[tuple[ServerId, Job]]) -> list[tuple[ServerId, Job]]:
        """Those that may run now: of each tenant the first ten, running ones before others, and one that is inner."""
        waiting = sorted(jobs, key=lambda one: one[1].status is not JobStatus.RUNNING)
        running: Counter[tuple[ServerId, bool]] = Counter()
        found = []
        for owner, job in waiting:
            running[owner, job.is_inner] += 1
            if running[owner, job.is_inner] <= (1 if job.is_inner else MOST_RUNNING):
                found.append((owner, job))
        return found

    async def _work(self, owner: ServerId, job: Job, until: float) -> int:
        """Pieces of a job until a moment; how many. None when somebody else has it."""
        if job.lease_until > self._clock.now():
            return 0
        taken = await self._jobs.change(owner, self._leased(job))
        pieces = 0
        while taken is not None and taken.is_open:
            if taken.is_stopping:
                await self._end(owner, taken, JobStatus.STOPPED)
                return pieces + 1
            if pieces and self._clock.monotonic() >= until:
                await self._jobs.change(owner, replace(taken, lease_until=0))
                break
            taken = await self._piece(owner, taken)
            pieces += 1
        return pieces

    async def _piece(self, owner: ServerId, job: Job) -> Job | None:
        """One piece, and the job behind it; None when it goes on elsewhere, or later."""
        kind = self._types.worked(job.type)
        if kind is None:
            return await self._end(owner, job, JobStatus.FAILED, "There are no such jobs any more")
        try:
            piece = await kind.piece(owner, job)
        except TemporaryFailure as failure:
            LOG.warning("a job waits: %s", failure.public, extra={"fields": {"job": job.id}})
            return None
        except MailError as failure:
            return await self._end(owner, job, JobStatus.FAILED, failure.public)
        except Exception:  # whatever it is, it would be so again
            LOG.exception("a job failed", extra={"fields": {"job": job.id}})
            return await self._end(owner, job, JobStatus.FAILED, "An internal error occurred")
        return await self._keep(owner, job, piece)

    async def _keep(self, owner: ServerId, job: Job, piece: Piece) -> Job | None:
        """Keep what a piece came to, also when somebody asked for a stop meanwhile."""
        while True:
            after = after_piece(job, piece, self._clock.now())
            kept = await self._jobs.change(owner, self._leased(after) if after.is_open else after)
            if kept is not None:
                return kept
            fresh = await self._again(owner, job)
            if fresh is None:
                return None
            job = fresh

    async def _end(
        self, owner: ServerId, job: Job, status: JobStatus, fault: str = ""
    ) -> Job | None:
        while True:
            kept = await self._jobs.change(owner, ended(job, status, self._clock.now(), fault))
            if kept is not None:
                return kept
            fresh = await self._again(owner, job)
            if fresh is None:
                return None
            job = fresh

    async def _again(self, owner: ServerId, job: Job) -> Job | None:
        """The job as it is now, if it is still at this piece and ours: then all that came between was a stop."""
        try:
            fresh = await self._jobs.get(owner, job.id)
        except NotFound:
            return None
        return fresh if (fresh.next, fresh.lease_until) == (job.next, job.lease_until) else None

    def _leased(self, job: Job) -> Job:
        until = self._clock.now() + LEASE_SECONDS
        return replace(job, status=JobStatus.RUNNING, lease_until=until)
