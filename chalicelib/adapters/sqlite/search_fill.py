"""Filling a search.db that was begun anew, in the background: the newest messages of each server first, all servers in
turn, a bounded number of messages a transaction. How far it has come is kept in that transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.logs import read_records
from chalicelib.adapters.sqlite.mail_schema import MailDatabase, key_of
from chalicelib.adapters.sqlite.records import SELECTED
from chalicelib.adapters.sqlite.search_rows import Told, tell, told
from chalicelib.adapters.sqlite.search_schema import SearchDatabase
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.search.findable import findable_of

if TYPE_CHECKING:
    import apsw

ROWS = 200
_NEXT = "SELECT server, below FROM filling WHERE server > ? ORDER BY server LIMIT 1"
_NEWEST = (
    f"SELECT {SELECTED} FROM messages WHERE key > ? AND key < ? ORDER BY key DESC LIMIT {ROWS}"
)
_COME_TO = "UPDATE filling SET below = ? WHERE server = ?"
_DONE = "DELETE FROM filling WHERE server = ?"


class SearchFill:
    """Tells search.db what it lacks."""

    def __init__(self, database: SearchDatabase, mail: MailDatabase) -> None:
        self._database = database
        self._mail = mail
        self._last = -1

    async def step(self) -> bool:
        """Tell at most ROWS messages of the next server; False when nothing is lacking."""
        if self._database.is_damaged:
            return False
        rows = self._database.read(
            lambda db: fetched(db, _NEXT, (self._last,)) or fetched(db, _NEXT, (-1,))
        )
        if not rows:
            return False
        self._last, below = rows[0]
        server = ServerId(self._last)
        found = await self._mail.aside(lambda: self._read(server, below))
        await self._database.write_if_sound(lambda db: _fill(db, server, found))
        return True

    def _read(self, server: ServerId, below: int) -> list[Told]:
        wanted = (key_of(server, 0), below)
        records = self._mail.read(lambda db: read_records(db, _NEWEST, wanted))
        return told([findable_of(one) for one in records])


def _fill(db: apsw.Connection, server: ServerId, messages: Sequence[Told]) -> None:
    """Nothing, when the server was forgotten meanwhile."""
    if not messages:
        fetched(db, _DONE, (server,))
        return
    fetched(db, _COME_TO, (messages[0].key, server))
    if db.changes():
        tell(db, messages)
