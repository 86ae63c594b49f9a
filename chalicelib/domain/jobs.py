"""Work that takes long (api.md 2.11): asked for once, done piece by piece, and gone on with whoever dies meanwhile.

A job first writes down what it is about, then works through that, so that at its end `done` and `failed` are `matched`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

KEPT_SECONDS = 30 * 86_400
MOST_ERRORS = 100
MOST_RUNNING = 10
"""How many run at a time in a tenant; others wait."""
INNER = "jz"
"""How the ids of jobs begin that nobody asked for and nobody sees: they are behind those of all others."""
INNER_KEPT_SECONDS = 7 * 86_400


class JobStatus(StrEnum):
    """Wire words, api.md 2.11."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"


OPEN = frozenset({JobStatus.QUEUED, JobStatus.RUNNING})


@dataclass(frozen=True, slots=True)
class JobError:
    """What was wrong with one of the things that a job is about, or with all of it: then `id` is empty."""

    id: str
    detail: str


@dataclass(frozen=True, slots=True)
class Job:
    """A job. `parameters` and `result` are JSON objects, `state` is what its type remembers between two pieces, `next`
    the number of the piece that comes next, `version` rises with every write. `tenant` is what the tenant is called,
    and who asked for it, from where and in which request, is as the audit log has it."""

    id: str
    type: str
    tenant: str
    parameters: str
    created_by: str
    created_at: float
    status: JobStatus = JobStatus.QUEUED
    matched: int = 0
    done: int = 0
    failed: int = 0
    errors: tuple[JobError, ...] = ()
    result: str = ""
    finished_at: float | None = None
    is_stopping: bool = False
    state: str = ""
    next: int = 0
    lease_until: float = 0
    version: int = 0
    actor_kind: str = "system"
    actor_id: str | None = None
    address: str = ""
    request_id: str = ""

    @property
    def is_open(self) -> bool:
        """Whether there is something left to do."""
        return self.status in OPEN

    @property
    def is_inner(self) -> bool:
        """Whether it is work that goes on by itself."""
        return self.id.startswith(INNER)

    @property
    def keep_until(self) -> int:
        """When it is forgotten."""
        return int(self.created_at) + (INNER_KEPT_SECONDS if self.is_inner else KEPT_SECONDS)


@dataclass(frozen=True, slots=True)
class Piece:
    """What a piece of a job came to: how many were found, done and failed, and what is remembered. `is_last`: there is
    nothing left. `parameters` are what the job has from then on in place of its own, where they are given."""

    state: str = ""
    matched: int = 0
    done: int = 0
    failed: int = 0
    errors: tuple[JobError, ...] = ()
    result: str = ""
    is_last: bool = False
    parameters: str = ""


def after_piece(job: Job, piece: Piece, now: float) -> Job:
    """The job behind one of its pieces."""
    errors = (*job.errors, *piece.errors)[:MOST_ERRORS]
    after = replace(
        job,
        matched=job.matched + piece.matched,
        done=job.done + piece.done,
        failed=job.failed + piece.failed,
        errors=errors,
        result=piece.result or job.result,
        parameters=piece.parameters or job.parameters,
        state=piece.state,
        next=job.next + 1,
    )
    return ended(after, JobStatus.DONE, now) if piece.is_last else after


def ended(job: Job, status: JobStatus, now: float, fault: str = "") -> Job:
    """The job at its end; `fault` is what kept it from going on."""
    errors = (JobError("", fault), *job.errors)[:MOST_ERRORS] if fault else job.errors
    return replace(job, status=status, finished_at=now, errors=errors, lease_until=0)
