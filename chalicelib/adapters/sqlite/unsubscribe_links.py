"""Links to unsubscribe in mail.db: a row a message."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.happenings import note
from chalicelib.adapters.sqlite.mail_schema import MailDatabase, ids_of, key_of
from chalicelib.domain.deeds import Beside
from chalicelib.domain.errors import NotFound
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.paging import Page
from chalicelib.ports.unsubscribe_links import UnsubscribeLink, UnsubscribeLinks

if TYPE_CHECKING:
    import apsw

AT_ONCE = 500
_FIELDS = "key, recipient, stream, keep_until, unsubscribed_at"
_KEEP = f"INSERT OR REPLACE INTO unsubscribes({_FIELDS}) VALUES (?, ?, ?, ?, ?)"
_ONE = f"SELECT {_FIELDS} FROM unsubscribes WHERE key = ? AND keep_until > ?"
_MARK = "UPDATE unsubscribes SET unsubscribed_at = ? WHERE key = ? AND unsubscribed_at IS NULL RETURNING 1"
_PAGE = (
    f"SELECT {_FIELDS} FROM unsubscribes"
    " WHERE key > ? AND key < ? AND keep_until > ? ORDER BY key LIMIT ?"
)


class SqliteUnsubscribeLinks(UnsubscribeLinks):
    """The `UnsubscribeLinks` port over mail.db."""

    def __init__(self, database: MailDatabase) -> None:
        self._database = database

    async def keep(self, *links: UnsubscribeLink) -> None:
        """One transaction."""

        def keep(db: apsw.Connection) -> None:
            for one in links:
                key = key_of(one.server, one.message)
                row = (key, one.recipient, one.stream, one.keep_until, one.unsubscribed_at)
                fetched(db, _KEEP, row)

        await self._database.write(keep)

    async def get(self, server: ServerId, message: MessageId, now: float) -> UnsubscribeLink:
        """One read by key."""
        key = key_of(server, message)
        rows = self._database.read(lambda db: fetched(db, _ONE, (key, now)))
        if not rows:
            raise NotFound("There is no such link")
        return _link(rows[0])

    async def mark(self, link: UnsubscribeLink, at: float, told: Sequence[Beside]) -> bool:
        """In one transaction with what is told of it."""
        key = key_of(link.server, link.message)

        def mark(db: apsw.Connection) -> bool:
            if not fetched(db, _MARK, (at, key)):
                return False
            note(db, told, at)
            return True

        return await self._database.write(mark)

    async def page(
        self, server: ServerId, now: float, cursor: str | None = None
    ) -> Page[UnsubscribeLink]:
        """AT_ONCE rows, in the order of their keys."""
        after = key_of(server, 0) - 1 if cursor is None else int(cursor)
        wanted = (after, key_of(ServerId(server + 1), 0), now, AT_ONCE)
        rows = self._database.read(lambda db: fetched(db, _PAGE, wanted))
        return Page(tuple(map(_link, rows)), str(rows[-1][0]) if len(rows) == AT_ONCE else None)


def _link(row: tuple[int, str, str, int, float | None]) -> UnsubscribeLink:
    key, recipient, stream, keep_until, unsubscribed_at = row
    return UnsubscribeLink(*ids_of(key), recipient, stream, keep_until, unsubscribed_at)
