"""Places in the windows of send limits, in mail.db: a row a slot, all limits of a message in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.mail_schema import MailDatabase
from chalicelib.domain.limits.limit import Limit, LimitOwner, Line, Usage, passed
from chalicelib.domain.limits.windows import SLOTS, Counts, kept_until, slot_of
from chalicelib.ports.send_limits import SendLimits, Took

if TYPE_CHECKING:
    import apsw

_COUNTS = "SELECT slot, n FROM limit_counts WHERE owner = ? AND period = ? AND slot >= ?"
_TAKE = (
    "INSERT INTO limit_counts VALUES (:owner, :period, :slot, :n, :end)"
    " ON CONFLICT DO UPDATE SET n = n + :n"
)
_GIVE_BACK = (
    "UPDATE limit_counts SET n = n - :n"
    " WHERE owner = :owner AND period = :period AND slot = :slot AND n >= :n"
)
_LINE = "SELECT due_at, waiting FROM limit_lines WHERE owner = ? AND period = ?"
_FORGET = "DELETE FROM limit_counts WHERE owner = ?"


class SqliteSendLimits(SendLimits):
    """The `SendLimits` port over mail.db."""

    def __init__(self, database: MailDatabase) -> None:
        self._database = database

    async def take(
        self, limits: Sequence[Limit], count: int, now: float, *, in_line: Line | None = None
    ) -> Took:
        """Count where all have room; see the port."""
        return await self._database.write(lambda db: _take(db, limits, count, now, in_line))

    async def give_back(self, limits: Sequence[Limit], count: int, at: float) -> None:
        """Uncount in the slots of `at`."""
        rows = [_row(one, count, at) for one in limits]

        def give_back(db: apsw.Connection) -> None:
            for row in rows:
                fetched(db, _GIVE_BACK, {name: row[name] for name in row if name != "end"})

        await self._database.write(give_back)

    async def usages(self, limits: Sequence[Limit], now: float) -> list[Usage]:
        """The sums of the windows."""
        return self._database.read(
            lambda db: [_usage(one, _counts(db, one, now), now) for one in limits]
        )

    async def forget(self, owner: LimitOwner) -> None:
        """Remove its rows."""
        await self._database.write(lambda db: fetched(db, _FORGET, (owner.name,)))


def _take(
    db: apsw.Connection, limits: Sequence[Limit], count: int, now: float, in_line: Line | None
) -> Took:
    known = [(one, _counts(db, one, now)) for one in limits]
    usages = [_usage(one, counts, now) for one, counts in known]
    passes = passed(limits, in_line)
    for limit, counts in known:
        ((due_at, waiting),) = fetched(db, _LINE, _place(limit)) or [(now, 0)]
        if waiting and limit.line not in passes:
            free_at = max(due_at, counts.free_at(limit.most, count, now))
            return Took(usages, limit, free_at, waiting)
        if counts.used + count > limit.most:
            return Took(usages, limit, counts.free_at(limit.most, count, now), waiting)
    for limit in limits:
        fetched(db, _TAKE, _row(limit, count, now))
    return Took([_usage(one, _counts(db, one, now), now) for one in limits])


def _counts(db: apsw.Connection, limit: Limit, now: float) -> Counts:
    newest = slot_of(limit.period, now)
    oldest = newest - SLOTS[limit.period] + 1
    return Counts(limit.period, newest, dict(fetched(db, _COUNTS, (*_place(limit), oldest))))


def _usage(limit: Limit, counts: Counts, now: float) -> Usage:
    return Usage(limit, counts.used, counts.resets_at(now))


def _place(limit: Limit) -> tuple[str, str]:
    return limit.owner.name, limit.period.value


def _row(limit: Limit, count: int, at: float) -> dict[str, Any]:
    owner, period = _place(limit)
    end = kept_until(limit.period, at)
    slot = slot_of(limit.period, at)
    return {"owner": owner, "period": period, "slot": slot, "n": count, "end": end}
