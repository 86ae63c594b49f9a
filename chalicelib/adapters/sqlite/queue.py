"""The work queue in mail.db. A pool has its queue as soon as it has a way out; `default` always has one, and so has
incoming mail.

`receive` and `delete` are for whoever plays the event source. A job is hidden until a moment, handed out with a
receipt, and comes back unless it is deleted in time; one that came back MOST_RECEIVES times is a dead letter. A job of
a message that is stored is only its key.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chalicelib.adapters.sqlite.bell import Bell
from chalicelib.adapters.sqlite.control import ControlDatabase
from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.mail_schema import MailDatabase, key_of
from chalicelib.adapters.sqlite.records import MESSAGE_NAMES, read_message
from chalicelib.config import Settings
from chalicelib.domain.delivery_job import parse_job, render_job
from chalicelib.domain.erasure import Sought
from chalicelib.domain.errors import PoolMissing, Rejected, TemporaryFailure
from chalicelib.domain.model import INCOMING_QUEUE, DeliveryJob, Message
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.tenancy.sources import SOURCES
from chalicelib.ports.clock import Clock
from chalicelib.ports.queue import MOST_AHEAD, WorkQueue

if TYPE_CHECKING:
    import apsw

LONGEST_WAIT = 900
MOST_RECEIVES = 20
DEFAULT_POOL = "default"
ALWAYS_THERE = (DEFAULT_POOL, INCOMING_QUEUE)
NOT_QUEUED = "Mail of this server cannot be queued at the moment, try again later"

_ADD = "INSERT INTO queue(pool, visible_at, key, attempt, manual, body) VALUES (?, ?, ?, ?, ?, ?)"
_HAND_OUT = "INSERT INTO queue(pool, visible_at, receives, owner, key, attempt, manual) VALUES (?, ?, 1, ?, ?, 0, 0)"
_HIDE = "UPDATE queue SET visible_at = ? WHERE id = ? AND receives = ? RETURNING id"
_JOBS = (
    "id, receives, queue.attempt, manual, body, queue.key,"
    f" {', '.join(f'messages.{name}' for name in MESSAGE_NAMES)} FROM queue LEFT JOIN messages USING (key)"
)
_VISIBLE = f"SELECT {_JOBS} WHERE queue.pool = ? AND visible_at <= ? AND receives < ? ORDER BY visible_at LIMIT ?"
_TAKE = (
    "UPDATE queue SET visible_at = ?, receives = receives + 1, owner = ?"
    " WHERE id IN (SELECT value FROM json_each(?))"
)
_DEAD = f"SELECT {_JOBS} WHERE receives >= {MOST_RECEIVES} AND visible_at <= ? ORDER BY id LIMIT ?"
_SOONEST = (
    "SELECT visible_at FROM queue WHERE pool = ? AND receives < ? ORDER BY visible_at LIMIT 1"
)
_AHEAD = "SELECT count(*) FROM (SELECT 1 FROM queue WHERE pool = ? AND visible_at < ? AND receives < ? LIMIT ?)"
_MARKED = f"SELECT {_JOBS} WHERE queue.pool = ? AND (manual OR body IS NOT NULL)"
_DELETE = "DELETE FROM queue WHERE id = ? AND receives = ?"
_STORED = "SELECT 1 FROM messages WHERE key = ? AND token = ?"
_POOLS = "SELECT DISTINCT owner FROM nouns WHERE kind = ?"


@dataclass(frozen=True, slots=True)
class HandedOut:
    """A job as handed out: the receipt for `extend_visibility` and `delete`, and how often it was received.

    `job` is None when its text cannot be read.
    """

    receipt: str
    job: DeliveryJob | None
    receive_count: int


class SqliteWorkQueue(WorkQueue):
    """The `WorkQueue` port over mail.db."""

    longest_wait = LONGEST_WAIT
    pools_are_deployed = False

    def __init__(
        self,
        database: MailDatabase,
        control: ControlDatabase,
        settings: Settings,
        clock: Clock,
        bell: Bell,
    ) -> None:
        self._database = database
        self._control = control
        self._clock = clock
        self._bell = bell
        self.visibility_seconds = settings.visibility_seconds

    async def wake(self, queue: str, jobs: Sequence[DeliveryJob], at: float = 0) -> None:
        """Queue jobs, hidden until `at`; PoolMissing when the pool has no queue."""
        if not jobs:
            return
        self.check(queue)
        now = self._clock.now()
        visible_at = min(max(now, at), now + LONGEST_WAIT)
        await self._database.write(lambda db: add_jobs(db, queue, jobs, visible_at))
        if visible_at <= now:
            self._bell.ring()

    def check(self, pool: str) -> None:
        """PoolMissing when the pool has no queue."""
        if pool not in ALWAYS_THERE and pool not in self._named():
            raise PoolMissing(NOT_QUEUED, pool=pool)

    async def extend_visibility(self, queue: str, receipt: str, seconds: int) -> None:
        """Keep a received job hidden from now; TemporaryFailure for a receipt that is no longer good."""
        row = (self._clock.now() + seconds, *_row(receipt))
        if not await self._database.write(lambda db: fetched(db, _HIDE, row)):
            raise TemporaryFailure("The wake-up is no longer held by this receipt")

    async def pools(self) -> tuple[str, ...]:
        """The pools that have a queue, by name."""
        return tuple(sorted({DEFAULT_POOL, *self._named()}))

    async def queues(self) -> tuple[str, ...]:
        """All queues: that of incoming mail, and those of the pools."""
        return (INCOMING_QUEUE, *await self.pools())

    def _named(self) -> set[str]:
        """The pools that have a way out."""
        rows = self._control.read(lambda db: fetched(db, _POOLS, (SOURCES.word,)))
        return {str(pool) for (pool,) in rows}

    async def receive(self, pool: str, limit: int = 10, owner: str = "") -> list[HandedOut]:
        """Up to `limit` visible jobs, hidden for the visibility time from now and noted as the owner's."""
        now = self._clock.now()
        soonest = self.soonest(pool)
        if soonest is None or soonest > now:
            return []
        wanted = (pool, now, MOST_RECEIVES, limit)

        def take(db: apsw.Connection) -> list[HandedOut]:
            rows = fetched(db, _VISIBLE, wanted)
            numbers = json.dumps([row[0] for row in rows])
            fetched(db, _TAKE, (now + self.visibility_seconds, owner, numbers))
            return [job for row in rows if (job := _handed_out(db, row[0], row[1] + 1, row[2:]))]

        return await self._database.write(take)

    def soonest(self, pool: str) -> float | None:
        """When a job of the pool can be taken (epoch seconds); None when there is none."""
        rows = self._database.read(lambda db: fetched(db, _SOONEST, (pool, MOST_RECEIVES)))
        return float(rows[0][0]) if rows else None

    async def dead(self, limit: int = 10) -> list[HandedOut]:
        """Dead letters, the oldest first. They stay until they are deleted."""
        wanted = (self._clock.now(), limit)

        def dead(db: apsw.Connection) -> list[HandedOut]:
            rows = fetched(db, _DEAD, wanted)
            return [job for row in rows if (job := _handed_out(db, row[0], row[1], row[2:]))]

        return await self._database.write(dead)

    async def ahead(self, queue: str, before: float) -> int:
        """Rows of an index, as far as MOST_AHEAD."""
        wanted = (queue, before, MOST_RECEIVES, MOST_AHEAD)
        ((count,),) = self._database.read(lambda db: fetched(db, _AHEAD, wanted))
        return int(count)

    async def marked(self, queue: str) -> list[DeliveryJob]:
        """The jobs of a pool that say more than their record."""
        rows = self._database.read(lambda db: fetched(db, _MARKED, (queue,)))
        found = [_job(row[2:]) for row in rows if not _is_gone(row[2:])]
        return [job for job in found if job and (job.manual or job.outcome)]

    async def forget_dead(self, server: ServerId, sought: Sought) -> int:
        """They are rows like all others, which `Traces` looks through."""
        return 0

    async def delete(self, receipts: Sequence[str]) -> None:
        """Take received jobs out of their queue; receipts that are no longer good are ignored."""
        rows = [_row(receipt) for receipt in receipts]
        await self._database.write(lambda db: db.executemany(_DELETE, rows).fetchall())


def add_jobs(
    db: apsw.Connection, pool: str, jobs: Sequence[DeliveryJob], visible_at: float
) -> None:
    """Queue jobs in this transaction."""
    db.executemany(_ADD, [(pool, visible_at, *_job_row(db, job)) for job in jobs]).fetchall()


def add_first_job(db: apsw.Connection, message: Message, visible_at: float) -> None:
    """Queue the first attempt of a message that was stored in this transaction."""
    key = key_of(message.server_id, message.id)
    db.execute(_ADD, (message.origin.pool, visible_at, key, 0, 0, None))


def hand_out_first_job(
    db: apsw.Connection, message: Message, hidden_until: float, owner: str
) -> HandedOut:
    """Queue the first attempt of a message that was stored in this transaction, as received by this owner already."""
    key = key_of(message.server_id, message.id)
    db.execute(_HAND_OUT, (message.origin.pool, hidden_until, owner, key))
    return HandedOut(f"{db.last_insert_rowid()}:1", DeliveryJob(message, 0), 1)


def _job_row(db: apsw.Connection, job: DeliveryJob) -> tuple[Any, ...]:
    message = job.message
    key = key_of(message.server_id, message.id)
    is_stored = job.outcome is None and fetched(db, _STORED, (key, message.token))
    return key, job.attempt, int(job.manual), None if is_stored else render_job(job)


def _handed_out(
    db: apsw.Connection, number: int, receives: int, row: Sequence[Any]
) -> HandedOut | None:
    """The job of a row; that of a message that is gone is removed."""
    if _is_gone(row):
        fetched(db, _DELETE, (number, receives))
        return None
    return HandedOut(f"{number}:{receives}", _job(row), receives)


def _is_gone(row: Sequence[Any]) -> bool:
    """Whether the message of a job without a text is not there."""
    _, _, body, _, first, *_ = row
    return body is None and first is None


def _job(row: Sequence[Any]) -> DeliveryJob | None:
    """The job of a row whose message is there; None for a text that cannot be read."""
    attempt, manual, body, key, *message = row
    if body is not None:
        return _read(body)
    return DeliveryJob(read_message(key, message), attempt, manual=bool(manual))


def _read(body: str) -> DeliveryJob | None:
    try:
        return parse_job(body)
    except Rejected:
        return None


def _row(receipt: str) -> tuple[int, int]:
    number, _, receives = receipt.partition(":")
    return int(number), int(receives)
