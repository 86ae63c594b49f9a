"""The lines of mail that send limits hold, in mail.db: a row a line, a row a message in the order of acceptance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.mail_schema import MailDatabase, ids_of, key_of
from chalicelib.domain.limits.limit import Holding, LimitOwner, Line, Standing, period_called
from chalicelib.domain.numbering import ServerId
from chalicelib.ports.limit_lines import LimitLines, LineState

if TYPE_CHECKING:
    import apsw

_OURS = "owner = :owner AND period = :period"
_STAND = "INSERT INTO limit_standing VALUES (:owner, :period, :at, :key, :attempt) ON CONFLICT DO NOTHING"
_STAND_AGAIN = (
    f"UPDATE limit_standing SET attempt = :attempt WHERE {_OURS} AND at = :at AND key = :key"
    " AND attempt < :attempt"
)
_OPEN = (
    "INSERT INTO limit_lines(owner, period, due_at, most, waiting)"
    " VALUES (:owner, :period, :due, :most, :new)"
    " ON CONFLICT DO UPDATE SET waiting = waiting + :new"
)
_LEAVE = (
    f"DELETE FROM limit_standing WHERE {_OURS} AND at = :at AND key = :key AND attempt = :attempt"
)
_LEFT = f"UPDATE limit_lines SET waiting = max(0, waiting - 1) WHERE {_OURS}"
_FIRST = (
    f"SELECT at, key, attempt FROM limit_standing WHERE {_OURS} AND (at, key) > (:at, :key)"
    " ORDER BY at, key LIMIT :count"
)
_COLUMNS = "owner, period, due_at, released_at, most, waiting"
_DUE = f"SELECT {_COLUMNS} FROM limit_lines WHERE due_at <= ? ORDER BY due_at LIMIT ?"
_OF_LINE = f"SELECT {_COLUMNS} FROM limit_lines WHERE {_OURS}"
_PUT_OFF = (
    "UPDATE limit_lines SET due_at = :next, released_at = :released, most = :most"
    f" WHERE {_OURS} AND due_at = :due AND released_at = :was"
)
_CLOSE = f"DELETE FROM limit_lines WHERE {_OURS} AND NOT EXISTS (SELECT 1 FROM limit_standing WHERE {_OURS})"
_HURRY = "UPDATE limit_lines SET due_at = :now WHERE owner = :owner"


class SqliteLimitLines(LimitLines):
    """The `LimitLines` port over mail.db."""

    def __init__(self, database: MailDatabase) -> None:
        self._database = database

    async def enter(self, limit: Holding, standing: Standing, due_at: float) -> None:
        """A row for the message, and one for the line where there is none."""
        row = _standing(limit.line, standing)

        def enter(db: apsw.Connection) -> None:
            fetched(db, _STAND, row)
            new = db.changes()
            if not new:
                fetched(db, _STAND_AGAIN, row)
            line = {**_line(limit.line), "due": due_at, "most": limit.most, "new": new}
            fetched(db, _OPEN, line)

        await self._database.write(enter)

    async def leave(self, line: Line, standing: Standing) -> None:
        """Remove the message's row of this attempt."""

        def leave(db: apsw.Connection) -> None:
            fetched(db, _LEAVE, _standing(line, standing))
            if db.changes():
                fetched(db, _LEFT, _line(line))

        await self._database.write(leave)

    async def first(self, line: Line, count: int, after: Standing | None = None) -> list[Standing]:
        """By the primary key."""
        at, key = (after.at, key_of(after.server, after.message)) if after else (-1.0, -1)
        wanted = {**_line(line), "at": at, "key": key, "count": count}
        rows = self._database.read(lambda db: fetched(db, _FIRST, wanted))
        return [Standing(at, *ids_of(key), attempt) for at, key, attempt in rows]

    async def due(self, now: float, count: int) -> list[LineState]:
        """By the index of what is due."""
        return [
            _state(row) for row in self._database.read(lambda db: fetched(db, _DUE, (now, count)))
        ]

    async def state(self, line: Line) -> LineState | None:
        """Its row."""
        rows = self._database.read(lambda db: fetched(db, _OF_LINE, _line(line)))
        return _state(rows[0]) if rows else None

    async def put_off(self, state: LineState, after: LineState) -> bool:
        """Write over the row as it was read."""
        row = {
            **_line(state.line),
            **{"due": state.due_at, "was": state.released_at, "next": after.due_at},
            **{"released": after.released_at, "most": after.most},
        }
        return await self._changes(_PUT_OFF, row)

    async def close(self, state: LineState) -> bool:
        """Remove the row of a line that nothing stands in."""
        return await self._changes(_CLOSE, _line(state.line))

    async def hurry(self, owner: LimitOwner, now: float) -> None:
        """Due at once."""
        await self._changes(_HURRY, {"owner": owner.name, "now": now})

    async def _changes(self, statement: str, row: dict[str, Any]) -> bool:
        def change(db: apsw.Connection) -> bool:
            fetched(db, statement, row)
            return bool(db.changes())

        return await self._database.write(change)


def _line(line: Line) -> dict[str, Any]:
    return {"owner": line.owner.name, "period": line.period.value}


def _standing(line: Line, standing: Standing) -> dict[str, Any]:
    key = key_of(ServerId(standing.server), standing.message)
    return {**_line(line), "at": standing.at, "key": key, "attempt": standing.attempt}


def _state(row: tuple[Any, ...]) -> LineState:
    owner, period, *rest = row
    return LineState(Line(LimitOwner.called(owner), period_called(period)), *rest)
