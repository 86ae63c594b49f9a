"""First contacts in mail.db: a row a key."""

from __future__ import annotations

from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.mail_schema import MailDatabase
from chalicelib.ports.greylist import KEPT_SECONDS, NOTED_SECONDS, Greylist

_KNOWN = "SELECT first_at, keep_until FROM greylist WHERE name = ? AND keep_until > ?"
_MET = (
    "INSERT INTO greylist VALUES (:name, :now, :end) ON CONFLICT DO UPDATE"
    " SET first_at = CASE WHEN keep_until > :now THEN first_at ELSE :now END, keep_until = :end"
    " RETURNING first_at"
)


class SqliteGreylist(Greylist):
    """The `Greylist` port over mail.db."""

    def __init__(self, database: MailDatabase) -> None:
        self._database = database

    async def met(self, key: str, now: float) -> float:
        """One read, and one write for what is new or was not met for a day."""
        end = now + KEPT_SECONDS
        rows = self._database.read(lambda db: fetched(db, _KNOWN, (key, now)))
        if rows and rows[0][1] > end - NOTED_SECONDS:
            return float(rows[0][0])
        row = {"name": key, "now": now, "end": end}
        ((first,),) = await self._database.write(lambda db: fetched(db, _MET, row))
        return float(first)
