"""Databases of a backup made ready to serve: nothing that was given out after the backup is given out again, and
nothing that waited in it is sent without a person; and whoever had signed in signs in anew (`domain/restored.py`).

Works on databases that nobody has open, each in one transaction, and does not make them durable.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import apsw

from chalicelib.adapters.sqlite.database import fetched, migrate
from chalicelib.adapters.sqlite.folder import CONTROL, MAIL
from chalicelib.adapters.sqlite.logs import read_records
from chalicelib.adapters.sqlite.mail_schema import key_of
from chalicelib.adapters.sqlite.messages import create, write_over
from chalicelib.adapters.sqlite.numbers import lease
from chalicelib.adapters.sqlite.records import SELECTED
from chalicelib.adapters.sqlite.snapshot import SCHEMAS
from chalicelib.adapters.storage.leased_numbers import HIGHEST_NUMBER
from chalicelib.domain import lifecycle
from chalicelib.domain.delivery_job import parse_job
from chalicelib.domain.jobs import Job
from chalicelib.domain.json_values import parse_value, render_value
from chalicelib.domain.model import DeliveryJob, MessageRecord
from chalicelib.domain.people.sessions import SESSIONS
from chalicelib.domain.people.tickets import TICKETS
from chalicelib.domain.restored import (
    KINDS,
    NUMBERS_LEFT_OUT,
    SEQUENCE_LEFT_OUT,
    Hold,
    given_up,
    held,
)
from chalicelib.domain.tenancy.servers import SERVERS

AT_ONCE = 1_000

_RAISE = (
    "INSERT INTO numbers VALUES (:server, :kind, :left_out)"
    " ON CONFLICT DO UPDATE SET n = min(n + :left_out, :highest)"
)
_ONE = f"SELECT {SELECTED} FROM messages WHERE key = ?"
_TO_HOLD = (
    f"SELECT {SELECTED} FROM messages WHERE (state IN ('W', 'L') OR (state = 'H' AND limit_hold IS NOT NULL))"
    f" AND key > ? ORDER BY key LIMIT {AT_ONCE}"
)
_OPEN_JOBS = "SELECT server, id, value FROM jobs WHERE opened_at IS NOT NULL"
_JOB_IS_OVER = (
    "UPDATE jobs SET version = version + 1, opened_at = NULL, value = ? WHERE server = ? AND id = ?"
)


def make_ready(folder: Path, hold: Hold | None, now: float) -> int:
    """Make the databases of a folder ready; without a hold what waits goes on. How many messages were held."""
    with _written(folder / CONTROL) as db:
        fetched(db, "UPDATE sequences SET n = n + ?", (SEQUENCE_LEFT_OUT,))
        for kind in (SESSIONS.word, TICKETS.word):  # what was ended since would work again
            fetched(db, "DELETE FROM look_ups WHERE kind = ?", (kind,))
            fetched(db, "DELETE FROM nouns WHERE kind = ?", (kind,))
        servers = fetched(db, "SELECT owner FROM nouns WHERE kind = ?", (SERVERS.word,))
    with _written(folder / MAIL) as db:
        _raise_numbers(db, {int(server) for (server,) in servers})
        _store_outcomes(db)
        if hold is None:
            fetched(db, "UPDATE messages SET lease_until = NULL WHERE state = 'L'")
            fetched(db, "UPDATE queue SET visible_at = ?, owner = '' WHERE receives > 0", (now,))
            return 0
        fetched(db, "DELETE FROM queue")
        _end_jobs(db, hold)
        return _hold_what_waits(db, hold)


def _raise_numbers(db: apsw.Connection, servers: set[int]) -> None:
    known = set(fetched(db, "SELECT server, kind FROM numbers"))
    for server, kind in known | {(one, kind) for one in servers for kind in KINDS}:
        row = {"server": server, "kind": kind, "left_out": NUMBERS_LEFT_OUT}
        fetched(db, _RAISE, row | {"highest": HIGHEST_NUMBER})


def _store_outcomes(db: apsw.Connection) -> None:
    """What wake-ups alone know: messages without a record, and how attempts ended."""
    for (body,) in fetched(db, "SELECT body FROM queue WHERE body IS NOT NULL"):
        job = parse_job(body)
        create(db, job.message)
        if job.outcome is not None:
            _store_outcome(db, job)


def _store_outcome(db: apsw.Connection, job: DeliveryJob) -> None:
    key = key_of(job.message.server_id, job.message.id)
    for record in read_records(db, _ONE, (key,)):
        if job.outcome and (record.attempt, record.lease_owner) == (job.attempt, job.outcome.owner):
            write_over(db, record, lifecycle.ended(record, job.outcome))


def _hold_what_waits(db: apsw.Connection, hold: Hold) -> int:
    count, after = 0, -1
    while records := read_records(db, _TO_HOLD, (after,)):
        for record in records:
            _hold(db, record, hold)
        count += len(records)
        last = records[-1].message
        after = key_of(last.server_id, last.id)
    return count


def _end_jobs(db: apsw.Connection, hold: Hold) -> None:
    for server, name, value in fetched(db, _OPEN_JOBS):
        over = given_up(parse_value(Job, value), hold)
        if over is not None:
            text = render_value(replace(over, version=over.version + 1))
            fetched(db, _JOB_IS_OVER, (text, server, name))


def _hold(db: apsw.Connection, record: MessageRecord, hold: Hold) -> None:
    number = lease(db, record.message.server_id, "delivery", 1)
    write_over(db, record, held(record, hold, number))


@contextmanager
def _written(path: Path) -> Iterator[apsw.Connection]:
    """One transaction on a database of the newest schema."""
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        fetched(db, "PRAGMA synchronous=OFF")
        migrate(db, path.name, SCHEMAS[path.name])
        with db:
            yield db
    finally:
        db.close()
