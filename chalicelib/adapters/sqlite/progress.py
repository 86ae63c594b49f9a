"""Where work stands, in mail.db."""

from __future__ import annotations

from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.mail_schema import MailDatabase
from chalicelib.ports.progress import Progress

_PUT = "INSERT INTO progress(name, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value"


class SqliteProgress(Progress):
    """The `Progress` port over mail.db."""

    def __init__(self, database: MailDatabase) -> None:
        self._database = database

    async def get(self, name: str) -> str:
        """One read."""
        found = self._database.read(
            lambda db: fetched(db, "SELECT value FROM progress WHERE name = ?", (name,))
        )
        return str(found[0][0]) if found else ""

    async def put(self, name: str, text: str) -> None:
        """One upsert."""
        await self._database.write(lambda db: fetched(db, _PUT, (name, text)))
