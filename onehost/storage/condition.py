"""The condition of a state folder, read beside whoever serves it: what waits, what was done lately, how much room.

Nothing is written. What waits is counted in the indexes of queue and messages; the last hour is found in the log by
halving, since its numbers rise with time.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import apsw

from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.file_system import Room, room_at
from chalicelib.adapters.sqlite.folder import (
    CONTROL,
    MAIL,
    SEARCH,
    check_file_system,
    check_owner,
)
from chalicelib.domain.errors import PermanentFailure
from chalicelib.domain.model import State, Status
from onehost.serving import Serving, serving
from onehost.storage.reading import check_schemas, reading

HOUR = 3_600
# A message has its job in the queue, for a moment after it is done as well, or is due at the sweeper's.
_WAITING = (
    "SELECT q.pool, count(DISTINCT q.key), min(m.received_at) FROM queue q LEFT JOIN messages m USING(key)"
    " WHERE m.state IS NOT ? GROUP BY q.pool"
)
_DUE = (
    "SELECT pool, count(*), min(received_at) FROM messages m WHERE due_at IS NOT NULL AND flag IS NOT 'held'"
    " AND NOT EXISTS (SELECT 1 FROM queue q WHERE q.key = m.key) GROUP BY pool"
)
_JOBS = "SELECT count(*) FROM jobs WHERE opened_at IS NOT NULL"
_HELD = "SELECT count(*) FROM messages WHERE flag = 'held'"
_ENDS = "SELECT coalesce(min(seq), 0), coalesce(max(seq), 0) FROM events"
_AT = "SELECT at FROM events WHERE seq >= ? ORDER BY seq LIMIT 1"
_ACCEPTED = (
    "SELECT coalesce(sum(coalesce(counts ->> 'incoming', 0) + coalesce(counts ->> 'outgoing', 0)), 0)"
    " FROM counters WHERE period = 'minute' AND start > ?"
)
_DELIVERED = "SELECT count(*) FROM events WHERE seq >= ? AND kind = 'delivery' AND d_status = ?"


@dataclass(frozen=True, slots=True)
class Waiting:
    """Messages of a pool that are neither delivered nor given up, and when the oldest came (epoch seconds)."""

    pool: str
    messages: int
    oldest: float | None


@dataclass(frozen=True, slots=True)
class Condition:
    """The state folder at one moment; sizes in bytes. `jobs`: how many are not over. `unsearched`: how many servers'
    older messages are not all in search.db yet."""

    serving: Serving | None
    waiting: tuple[Waiting, ...]
    held: int
    jobs: int
    accepted_last_hour: int
    delivered_last_hour: int
    unsearched: int
    databases: int
    bodies: int
    room: Room

    @property
    def oldest(self) -> float | None:
        """When the oldest message that waits came (epoch seconds)."""
        return min((one.oldest for one in self.waiting if one.oldest is not None), default=None)


def condition(state: Path, now: float) -> Condition:
    """How things are at `now` (epoch seconds); PermanentFailure when the folder cannot be read."""
    try:
        for check in (check_owner, check_file_system) if state.is_dir() else ():
            check(state)
        if not (state / MAIL).exists():
            raise PermanentFailure(f"There is no mail in {state}: make it with `posthorn init`")
        check_schemas(state)
        with reading(state / MAIL) as db:
            since = _first_after(db, now - HOUR)
            ((held,),) = fetched(db, _HELD)
            ((jobs,),) = fetched(db, _JOBS)
            ((accepted,),) = fetched(db, _ACCEPTED, (now - HOUR,))
            ((delivered,),) = fetched(db, _DELIVERED, (since, Status.SENT.value))
            waiting = _waiting(db)
        return Condition(
            serving(state),
            waiting,
            held,
            jobs,
            accepted,
            delivered,
            _unsearched(state / SEARCH),
            sum(_size(path) for name in (CONTROL, MAIL, SEARCH) for path in state.glob(f"{name}*")),
            sum(_size(path) for path in (state / "bodies").rglob("*")),
            room_at(state),
        )
    except OSError as error:
        raise PermanentFailure(
            f"The state folder {state} cannot be read: {error.strerror}"
        ) from error
    except apsw.Error as error:
        raise PermanentFailure(f"{state / MAIL} cannot be read: {error}") from error


def _unsearched(path: Path) -> int:
    """None of a folder that was not served yet, and of a database that is made anew at the next start."""
    if not path.exists():
        return 0
    with reading(path) as db:
        try:
            ((count,),) = fetched(db, "SELECT count(*) FROM filling")
        except apsw.Error:
            return 0
    return int(count)


def _waiting(db: apsw.Connection) -> tuple[Waiting, ...]:
    found: dict[str, Waiting] = {}
    rows = [*fetched(db, _WAITING, (State.DONE.value,)), *fetched(db, _DUE)]
    for pool, count, oldest in rows:
        before = found.get(pool, Waiting(pool, 0, None))
        times = [one for one in (before.oldest, oldest) if one is not None]
        found[pool] = Waiting(pool, before.messages + count, min(times, default=None))
    return tuple(found[pool] for pool in sorted(found))


def _first_after(db: apsw.Connection, moment: float) -> int:
    """The number of the first entry of the log that is not older than a moment."""
    ((low, high),) = fetched(db, _ENDS)
    high += 1
    while low < high:
        middle = (low + high) // 2
        rows = fetched(db, _AT, (middle,))
        if rows and rows[0][0] < moment:
            low = middle + 1
        else:
            high = middle
    return int(low)


def _size(path: Path) -> int:
    """Bytes that a file takes on the disk; none when it has just gone."""
    try:
        return path.lstat().st_blocks * 512
    except FileNotFoundError:
        return 0
