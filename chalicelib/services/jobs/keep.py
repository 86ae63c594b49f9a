"""Jobs as people start, see and stop them: what they do is stored with its job, and entered into the audit log."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from chalicelib.domain.deeds import Deed
from chalicelib.domain.erasure import hashed
from chalicelib.domain.errors import Conflict, NotFound, Rejected
from chalicelib.domain.jobs import Job, JobStatus, ended
from chalicelib.domain.paging import Page
from chalicelib.domain.tenancy.audit_deeds import Told, deed_of
from chalicelib.ports.acting import SYSTEM, who_acts
from chalicelib.ports.clock import Clock
from chalicelib.ports.job_bell import JobBell
from chalicelib.ports.jobs import Jobs
from chalicelib.ports.rand import Rand
from chalicelib.services.jobs.kinds import JobKind, JobOwner, Looked, Parameters
from chalicelib.services.jobs.types import JobTypes
from chalicelib.services.queue.store_outcome import best_effort
from chalicelib.services.tenancy.enter_audit import EnterAudit

MOST_OPEN = 100
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_LAST = 26**9 - 1
MOST_TRIES = 8


class KeepJobs:
    """The jobs of a tenant."""

    def __init__(
        self,
        clock: Clock,
        rand: Rand,
        jobs: Jobs,
        types: JobTypes,
        audit: EnterAudit,
        bell: JobBell,
    ) -> None:
        self._clock = clock
        self._rand = rand
        self._jobs = jobs
        self._types = types
        self._audit = audit
        self._bell = bell

    def kind(self, owner: JobOwner, name: str) -> JobKind:
        """A type, for this owner. Rejected."""
        found = self._types.find(name)
        if found is None or (owner.server is None and not found.is_of_organizations):
            raise Rejected("There are no such jobs here")
        return found

    async def start(self, owner: JobOwner, name: str, parameters: Parameters) -> Job:
        """Ask for a job. Rejected, Conflict, TemporaryFailure."""
        kind, now = self.kind(owner, name), self._clock.now()
        newest = await self._jobs.page(owner.number, MOST_OPEN, now)
        if sum(one.is_open and not one.is_inner for one in newest.values) >= MOST_OPEN:
            raise Conflict(f"{MOST_OPEN} jobs wait or run already")
        number = self._id(now)
        kept = await kind.begin(owner, number, parameters)
        who = who_acts() or SYSTEM
        job = Job(
            id=number,
            type=name,
            tenant=owner.name,
            parameters=json.dumps(kept, ensure_ascii=False),
            created_by=who.actor.name,
            created_at=now,
            actor_kind=who.actor.kind,
            actor_id=who.actor.id,
            address=who.address,
            request_id=who.request_id,
        )
        done = self._done(owner, job, "create")
        await self._jobs.add(owner.number, job, done)
        await self._enter(done)
        await best_effort(self._bell.ring())  # who looks by itself finds it a little later
        return job

    async def look(self, owner: JobOwner, name: str, parameters: Parameters) -> Looked:
        """What a job would be about. Rejected."""
        return await self.kind(owner, name).look(owner, parameters)

    async def get(self, owner: JobOwner, job: str) -> Job:
        """NotFound."""
        found = await self._jobs.get(owner.number, job)
        if found.is_inner:
            raise NotFound("There is no such job")
        return found

    async def page(self, owner: JobOwner, limit: int, after: str | None) -> Page[Job]:
        """Newest first."""
        page = await self._jobs.page(owner.number, limit, self._clock.now(), after)
        asked_for = tuple(one for one in page.values if not one.is_inner)
        # Inner ones are behind all others.
        is_whole = len(asked_for) == len(page.values)
        return Page(asked_for, page.next_cursor if is_whole else None)

    async def stop(self, owner: JobOwner, number: str) -> Job:
        """Have a job end before its next piece, at once where nobody is at one; one that is over stays as it is.
        NotFound, TemporaryFailure."""
        for _ in range(MOST_TRIES):
            job = await self.get(owner, number)
            if job.is_stopping or not job.is_open:
                return job
            now = self._clock.now()
            is_at_work = job.lease_until > now
            wanted = (
                replace(job, is_stopping=True) if is_at_work else ended(job, JobStatus.STOPPED, now)
            )
            done = self._done(owner, job, "stop")
            stopping = await self._jobs.change(owner.number, wanted, done)
            if stopping is not None:
                await self._enter(done)
                return stopping
        raise Conflict("This job is changing, try again")

    async def shown(self, owner: JobOwner, job: Job) -> Mapping[str, Any] | None:
        """The result of a job as it is shown at this moment."""
        kind = self._types.find(job.type)
        return None if kind is None else await kind.shown(owner.number, job)

    def known(self, job: Job) -> JobKind | None:
        """The type of a job; None for one that is no more."""
        return self._types.find(job.type)

    def scope(self, job: Job) -> str | None:
        """What whoever sees a job needs; None for one of a type that is no more."""
        kind = self._types.find(job.type)
        return None if kind is None else kind.scope(json.loads(job.parameters))

    def _done(self, owner: JobOwner, job: Job, verb: str) -> tuple[Deed, ...]:
        """What is stored with the change, to be entered; nothing of what is only copied."""
        who = who_acts()
        if who is None:
            return ()
        about = {"type": job.type}
        if address := json.loads(job.parameters).get("address"):
            about["address"] = hashed(address)
        told = Told("job", job.id, "", verb, {}, about)
        place = (owner.organization, owner.number, owner.name)
        return (deed_of(told, who, self._clock.now(), place, f"job/{job.id}/{verb}"),)

    async def _enter(self, done: tuple[Deed, ...]) -> None:
        for deed in done:
            await self._audit.at_once(deed)

    def _id(self, now: float) -> str:
        """An id that stands before all those that were made earlier."""
        left, text = _LAST - int(now * 1_000) % _LAST, ""
        for _ in range(9):
            left, letter = divmod(left, 26)
            text = _LETTERS[letter] + text
        return f"jb{text}" + "".join(_LETTERS[one % 26] for one in self._rand.bytes(6))
