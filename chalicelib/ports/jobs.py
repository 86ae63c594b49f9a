"""Work that takes long, and what it is about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from chalicelib.domain.deeds import Beside
from chalicelib.domain.jobs import Job
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.paging import Page


class Jobs(Protocol):
    """Jobs of owners: of a server, or of an organization under its number below zero. They go by themselves when their
    time is over, with what they are about. Whoever works on one does `at_once` of its items at the same time: as many
    as leave room for the mail that is handled beside them."""

    at_once: int

    async def add(self, owner: ServerId, job: Job, told: Sequence[Beside] = ()) -> None:
        """Keep a new job, with what is told of it. Conflict when there is one of its id."""

    async def get(self, owner: ServerId, job: str) -> Job:
        """A job as it is at this moment; NotFound."""

    async def page(
        self, owner: ServerId, limit: int, now: float, after: str | None = None
    ) -> Page[Job]:
        """The jobs of an owner by id, at most `limit`, from behind the id `after` on; the cursor is the last id."""

    async def change(self, owner: ServerId, job: Job, told: Sequence[Beside] = ()) -> Job | None:
        """Keep a job in place of the one with its version, with the next version and what is told of it: what is kept
        then. None, and nothing changed, when somebody else changed it meanwhile, or it is gone."""

    async def bring(self, owner: ServerId, job: Job) -> None:
        """Keep a job as it was elsewhere, with its version, unless the one that is here is as new."""

    async def open(self, limit: int) -> list[tuple[ServerId, Job]]:
        """Jobs of all owners that are not over, at most `limit`, those that were asked for first before others."""

    async def write_down(self, owner: ServerId, job: Job, piece: int, ids: Sequence[str]) -> None:
        """Keep what a piece of a job is about, whatever is kept for that piece."""

    async def written_down(self, owner: ServerId, job: str, piece: int) -> list[str]:
        """What a piece of a job is about; nothing behind the last piece."""
