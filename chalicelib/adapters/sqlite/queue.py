"""The work queue in mail.db. A pool has its queue as soon as it has a way out; `default` always has one.

`receive` and `delete` are for whoever plays the event source. A job is hidden until a moment, handed out with a
receipt, and comes back unless it is deleted in time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chalicelib.adapters.sqlite.control import ControlDatabase
from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.mail_schema import MailDatabase
from chalicelib.config import Settings
from chalicelib.domain.delivery_job import parse_job, render_job
from chalicelib.domain.errors import PoolMissing, TemporaryFailure
from chalicelib.domain.model import DeliveryJob
from chalicelib.domain.tenancy.entities import SOURCES
from chalicelib.ports.clock import Clock
from chalicelib.ports.queue import WorkQueue

if TYPE_CHECKING:
    import apsw

LONGEST_WAIT = 900
DEFAULT_POOL = "default"
NOT_QUEUED = "Mail of this server cannot be queued at the moment, try again later"

_ADD = "INSERT INTO queue(pool, visible_at, body) VALUES (?, ?, ?)"
_HIDE = "UPDATE queue SET visible_at = ? WHERE id = ? AND receives = ?"
_TAKE = """
UPDATE queue SET visible_at = :hidden, receives = receives + 1 WHERE id IN (
  SELECT id FROM queue WHERE pool = :pool AND visible_at <= :now ORDER BY visible_at LIMIT :limit)
RETURNING id, receives, body"""
_DELETE = "DELETE FROM queue WHERE id = ? AND receives = ?"
_POOLS = "SELECT DISTINCT owner FROM nouns WHERE kind = ?"


@dataclass(frozen=True, slots=True)
class HandedOut:
    """A job as handed out: the receipt for `extend_visibility` and `delete`, and how often it was received."""

    receipt: str
    job: DeliveryJob
    receive_count: int


class SqliteWorkQueue(WorkQueue):
    """The `WorkQueue` port over mail.db."""

    longest_wait = LONGEST_WAIT

    def __init__(
        self, database: MailDatabase, control: ControlDatabase, settings: Settings, clock: Clock
    ) -> None:
        self._database = database
        self._control = control
        self._clock = clock
        self._visibility = settings.visibility_seconds

    async def wake(self, queue: str, jobs: Sequence[DeliveryJob], at: float = 0) -> None:
        """Queue jobs, hidden until `at`; PoolMissing when the pool has no queue."""
        if not jobs:
            return
        self.check(queue)
        now = self._clock.now()
        visible_at = min(max(now, at), now + LONGEST_WAIT)
        await self._database.write(lambda db: add_jobs(db, queue, jobs, visible_at))

    def check(self, pool: str) -> None:
        """PoolMissing when the pool has no queue."""
        if pool != DEFAULT_POOL and pool not in self._named():
            raise PoolMissing(NOT_QUEUED, pool=pool)

    async def extend_visibility(self, queue: str, receipt: str, seconds: int) -> None:
        """Keep a received job hidden from now; TemporaryFailure for a receipt that is no longer good."""
        number, _, receives = receipt.partition(":")
        moved = await self._database.write(
            lambda db: fetched(
                db,
                f"{_HIDE} RETURNING id",
                (self._clock.now() + seconds, int(number), int(receives)),
            )
        )
        if not moved:
            raise TemporaryFailure("The wake-up is no longer held by this receipt")

    async def pools(self) -> tuple[str, ...]:
        """The pools that have a queue, by name."""
        return tuple(sorted({DEFAULT_POOL, *self._named()}))

    def _named(self) -> set[str]:
        """The pools that have a way out."""
        rows = self._control.read(lambda db: fetched(db, _POOLS, (SOURCES.word,)))
        return {str(pool) for (pool,) in rows}

    async def receive(self, pool: str, limit: int = 10) -> list[HandedOut]:
        """Up to `limit` visible jobs, hidden for the visibility time from now."""
        now = self._clock.now()
        wanted = {"pool": pool, "now": now, "hidden": now + self._visibility, "limit": limit}
        rows = await self._database.write(lambda db: fetched(db, _TAKE, wanted))
        return [
            HandedOut(f"{number}:{receives}", parse_job(body), receives)
            for number, receives, body in rows
        ]

    async def delete(self, pool: str, receipt: str) -> None:
        """Take a received job out of its queue; unknown receipts are ignored."""
        number, _, receives = receipt.partition(":")
        row = (int(number), int(receives))
        await self._database.write(lambda db: fetched(db, _DELETE, row))


def add_jobs(
    db: apsw.Connection, pool: str, jobs: Sequence[DeliveryJob], visible_at: float
) -> None:
    """Queue jobs in this transaction."""
    rows = [(pool, visible_at, render_job(job)) for job in jobs]
    db.executemany(_ADD, rows).fetchall()
