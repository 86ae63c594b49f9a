"""Imported tokens in mail.db: a row a token, and their table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.mail_schema import MailDatabase
from chalicelib.domain.errors import NotFound
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.paging import Page
from chalicelib.ports.imported_tokens import ImportedToken, ImportedTokens

if TYPE_CHECKING:
    import apsw

AT_ONCE = 500
_COLUMNS = "server, token, message, keep_until, link, recipient"
_KEEP = f"INSERT OR REPLACE INTO imported_tokens({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)"
_ONE = f"SELECT {_COLUMNS} FROM imported_tokens WHERE server = ? AND token = ? AND keep_until > ?"
_PAGE = (
    f"SELECT {_COLUMNS} FROM imported_tokens"
    " WHERE server = ? AND token > ? AND keep_until > ? ORDER BY token LIMIT ?"
)
_FORGET = (
    "DELETE FROM imported_tokens INDEXED BY imported_tokens_by_recipient"
    " WHERE server = ? AND recipient = ? AND recipient != '' RETURNING message"
)


class SqliteImportedTokens(ImportedTokens):
    """The `ImportedTokens` port over mail.db."""

    def __init__(self, database: MailDatabase) -> None:
        self._database = database

    async def keep(self, tokens: Sequence[ImportedToken]) -> None:
        """One transaction."""
        rows = [
            (one.server, one.token, one.message, one.keep_until, one.link, one.recipient)
            for one in tokens
        ]

        def keep(db: apsw.Connection) -> None:
            db.cursor().executemany(_KEEP, rows)

        if rows:
            await self._database.write(keep)

    async def get(self, server: ServerId, token: str, now: float) -> ImportedToken:
        """One read by key."""
        wanted = (server, token if token.isascii() else "", now)
        rows = self._database.read(lambda db: fetched(db, _ONE, wanted))
        if not rows:
            raise NotFound("There is no such token")
        return _token(rows[0])

    async def page(
        self, server: ServerId, now: float, cursor: str | None = None
    ) -> Page[ImportedToken]:
        """AT_ONCE rows, in the order of the tokens."""
        wanted = (server, cursor or "", now, AT_ONCE)
        rows = self._database.read(lambda db: fetched(db, _PAGE, wanted))
        return Page(tuple(map(_token, rows)), rows[-1][1] if len(rows) == AT_ONCE else None)

    async def forget(self, server: ServerId, recipient: str) -> list[MessageId]:
        """By an index."""
        wanted = (server, recipient.lower())
        rows = await self._database.write(lambda db: fetched(db, _FORGET, wanted))
        return sorted(MessageId(one) for (one,) in rows)


def _token(row: tuple[int, str, int, int, int, str]) -> ImportedToken:
    server, token, message, until, link, recipient = row
    return ImportedToken(ServerId(server), token, MessageId(message), until, link, recipient)
