"""Requests counted in mail.db: a row a window."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.mail_schema import MailDatabase
from chalicelib.domain.rates import Policy, Window
from chalicelib.ports.rate_counters import RateCounters

if TYPE_CHECKING:
    import apsw

# One that began later than now by more than its length is of a clock that was set back since.
_OPEN = "name = ? AND keep_until > ? AND began < ?"
_WINDOW = f"SELECT n, began FROM rates WHERE {_OPEN}"
_GIVE_BACK = f"UPDATE rates SET n = n - 1 WHERE {_OPEN} AND n > 0"
_COUNT = "INSERT OR REPLACE INTO rates VALUES (?, ?, ?, ?)"


class SqliteRateCounters(RateCounters):
    """The `RateCounters` port over mail.db."""

    def __init__(self, database: MailDatabase) -> None:
        self._database = database

    async def take(self, policy: Policy, key: str, now: float) -> Window:
        """In one transaction."""
        name = f"{policy.name}#{key}"

        def take(db: apsw.Connection) -> Window:
            rows = fetched(db, _WINDOW, (name, now, now + policy.seconds))
            count, began = rows[0] if rows else (0, now)
            if count >= policy.quota:
                return Window(count, began, is_over_quota=True)
            fetched(db, _COUNT, (name, began, count + 1, began + policy.seconds))
            return Window(count + 1, began)

        return await self._database.write(take)

    async def give_back(self, policy: Policy, key: str, now: float) -> None:
        """One update."""
        name = f"{policy.name}#{key}"
        row = (name, now, now + policy.seconds)
        await self._database.write(lambda db: fetched(db, _GIVE_BACK, row))
