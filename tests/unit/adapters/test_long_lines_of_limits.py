"""A line of a hundred thousand messages costs a look no more steps than a short one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.mail_schema import MailDatabase, key_of
from chalicelib.bootstrap import Posthorn, in_memory
from chalicelib.domain.limits.limit import Limit, LimitOwner, OwnerKind, Standing
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.tenancy.send_limits import Period
from chalicelib.ports.limit_lines import LimitLines
from chalicelib.ports.send_limits import SendLimits
from tests.fakes import NOW

if TYPE_CHECKING:
    import apsw

MANY = 100_000
SERVER = ServerId(7)
LIMIT = Limit(LimitOwner(OwnerKind.SERVER, SERVER), Period.HOUR, 1_000)


def filled(count: int) -> Posthorn:
    """An installation whose limit holds so many messages."""
    program = in_memory()
    asyncio.run(program[LimitLines].enter(LIMIT, Standing(NOW, SERVER, MessageId(1), 1), NOW))
    rows = [
        (LIMIT.owner.name, "hour", NOW + one, key_of(SERVER, one), 1) for one in range(2, count + 1)
    ]

    def fill(db: apsw.Connection) -> None:
        db.executemany("INSERT INTO limit_standing VALUES (?, ?, ?, ?, ?)", rows)
        fetched(db, "UPDATE limit_lines SET waiting = ?", (count,))

    asyncio.run(program[MailDatabase].write(fill))
    return program


def steps(program: Posthorn, work: Callable[[], object]) -> int:
    """How many steps SQLite's machine takes, in tens."""
    counted = [0]

    def tick() -> bool:
        counted[0] += 1
        return False

    def watch(db: apsw.Connection) -> apsw.Connection:
        db.set_progress_handler(tick, 10)
        return db

    database = program[MailDatabase]
    for connection in {database.read(watch), asyncio.run(database.write(watch))}:
        assert connection is not None
    work()
    return counted[0]


LOOKS: dict[str, Callable[[Posthorn], object]] = {
    "due": lambda program: asyncio.run(program[LimitLines].due(NOW, 100)),
    "first": lambda program: asyncio.run(program[LimitLines].first(LIMIT.line, 20)),
    "take": lambda program: asyncio.run(program[SendLimits].take([LIMIT], 1, NOW)),
    "leave": lambda program: asyncio.run(
        program[LimitLines].leave(LIMIT.line, Standing(NOW, SERVER, MessageId(1), 1))
    ),
}


@pytest.fixture(scope="module")
def long() -> Posthorn:
    return filled(MANY)


def test_steps_are_counted(long: Posthorn) -> None:
    text = "SELECT sum(attempt) FROM limit_standing"
    database = long[MailDatabase]
    assert steps(long, lambda: database.read(lambda db: fetched(db, text))) > MANY / 10


@pytest.mark.parametrize("look", LOOKS)
def test_a_look_takes_no_more_steps_at_a_long_line(long: Posthorn, look: str) -> None:
    short = filled(50)
    few = steps(short, lambda: LOOKS[look](short))
    assert steps(long, lambda: LOOKS[look](long)) <= few + 2
