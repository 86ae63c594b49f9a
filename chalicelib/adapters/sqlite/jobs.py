"""Jobs in mail.db, and what they are about as compressed lists."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.happenings import note
from chalicelib.adapters.sqlite.mail_schema import MailDatabase
from chalicelib.domain.deeds import Beside
from chalicelib.domain.errors import Conflict, NotFound
from chalicelib.domain.jobs import Job
from chalicelib.domain.json_values import parse_value, render_value
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.paging import Page
from chalicelib.ports.jobs import Jobs

if TYPE_CHECKING:
    import apsw

_ADD = (
    "INSERT INTO jobs(server, id, version, opened_at, keep_until, value) VALUES (?, ?, ?, ?, ?, ?)"
    " ON CONFLICT DO NOTHING RETURNING 1"
)
_BRING = (
    "INSERT INTO jobs(server, id, version, opened_at, keep_until, value) VALUES (?, ?, ?, ?, ?, ?)"
    " ON CONFLICT DO UPDATE SET version = excluded.version, opened_at = excluded.opened_at,"
    " value = excluded.value WHERE excluded.version > version"
)
_GET = "SELECT value FROM jobs WHERE server = ? AND id = ?"
_PAGE = (
    "SELECT id, value FROM jobs WHERE server = ? AND id > ? AND keep_until > ? ORDER BY id LIMIT ?"
)
_CHANGE = (
    "UPDATE jobs SET version = ?, opened_at = ?, value = ? WHERE server = ? AND id = ? AND version = ?"
    " RETURNING 1"
)
_OPEN = "SELECT server, value FROM jobs WHERE opened_at IS NOT NULL ORDER BY opened_at, id LIMIT ?"
_WRITE = (
    "INSERT OR REPLACE INTO job_pieces(server, job, piece, keep_until, ids) VALUES (?, ?, ?, ?, ?)"
)
_READ = "SELECT ids FROM job_pieces WHERE server = ? AND job = ? AND piece = ?"


class SqliteJobs(Jobs):
    """The `Jobs` port over mail.db."""

    # The same process, loop and store serve fresh mail, which stands behind each of them.
    at_once = 4

    def __init__(self, database: MailDatabase) -> None:
        self._database = database

    async def add(self, owner: ServerId, job: Job, told: Sequence[Beside] = ()) -> None:
        """One row, in one transaction with what is told of it."""
        row = (owner, job.id, job.version, _opened_at(job), job.keep_until, render_value(job))
        if not await self._write(_ADD, row, told):
            raise Conflict("This job already exists")

    async def get(self, owner: ServerId, job: str) -> Job:
        """One row; NotFound."""
        rows = self._database.read(lambda db: fetched(db, _GET, (owner, job)))
        if not rows:
            raise NotFound("There is no such job")
        return parse_value(Job, rows[0][0])

    async def page(
        self, owner: ServerId, limit: int, now: float, after: str | None = None
    ) -> Page[Job]:
        """A range of rows."""
        wanted = (owner, after or "", now, limit + 1)
        rows = self._database.read(lambda db: fetched(db, _PAGE, wanted))
        found = tuple(parse_value(Job, value) for _, value in rows[:limit])
        return Page(found, found[-1].id if len(rows) > limit else None)

    async def change(self, owner: ServerId, job: Job, told: Sequence[Beside] = ()) -> Job | None:
        """One conditional update, in one transaction with what is told of it."""
        after = replace(job, version=job.version + 1)
        row = (after.version, _opened_at(after), render_value(after), owner, job.id, job.version)
        return after if await self._write(_CHANGE, row, told) else None

    async def _write(self, statement: str, row: tuple[Any, ...], told: Sequence[Beside]) -> bool:
        """Whether the statement changed anything."""

        def write(db: apsw.Connection) -> bool:
            if not fetched(db, statement, row):
                return False
            note(db, told, told[0].at if told else 0)
            return True

        return await self._database.write(write)

    async def bring(self, owner: ServerId, job: Job) -> None:
        """One row, in place of one with a lower version."""
        row = (owner, job.id, job.version, _opened_at(job), job.keep_until, render_value(job))
        await self._write(_BRING, row, ())

    async def open(self, limit: int) -> list[tuple[ServerId, Job]]:
        """By an index that has none but these."""
        rows = self._database.read(lambda db: fetched(db, _OPEN, (limit,)))
        return [(ServerId(owner), parse_value(Job, value)) for owner, value in rows]

    async def write_down(self, owner: ServerId, job: Job, piece: int, ids: Sequence[str]) -> None:
        """One row."""
        packed = zlib.compress(json.dumps(ids, ensure_ascii=False).encode())
        row = (owner, job.id, piece, job.keep_until, packed)
        await self._database.write(lambda db: fetched(db, _WRITE, row))

    async def written_down(self, owner: ServerId, job: str, piece: int) -> list[str]:
        """One row."""
        rows = self._database.read(lambda db: fetched(db, _READ, (owner, job, piece)))
        found: list[str] = json.loads(zlib.decompress(rows[0][0])) if rows else []
        return found


def _opened_at(job: Job) -> float | None:
    return job.created_at if job.is_open else None
