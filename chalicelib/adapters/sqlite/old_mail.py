"""The oldest messages of mail.db, and forgetting them: each batch is one transaction, without a word to consumers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.mail_schema import MailDatabase, key_of
from chalicelib.adapters.sqlite.records import SELECTED, read_record
from chalicelib.domain.model import BlobRef, MessageRecord
from chalicelib.domain.numbering import ServerId
from chalicelib.ports.old_mail import OldMail

if TYPE_CHECKING:
    import apsw

_OLDEST = f"SELECT {SELECTED} FROM messages WHERE key > ? AND key < ? ORDER BY key LIMIT ?"
_KEYS = "(SELECT value FROM json_each(?))"
# An index is named wherever the planner might read a whole table.
_FORGOTTEN = (
    "DELETE FROM events WHERE seq IN (SELECT seq FROM events INDEXED BY by_message"
    f" WHERE kind = 'delivery' AND key IN {_KEYS})",
    "DELETE FROM events WHERE seq IN (SELECT seq FROM events INDEXED BY by_hit"
    f" WHERE kind IN ('open', 'click') AND key IN {_KEYS})",
    f"DELETE FROM links WHERE key IN {_KEYS}",
    f"DELETE FROM reports WHERE email IN {_KEYS}",
    f"DELETE FROM limit_standing WHERE key IN {_KEYS}",
    f"DELETE FROM messages WHERE key IN {_KEYS}",
)
_UNSAID = (
    "UPDATE events SET d_conversation = NULL WHERE d_conversation IS NOT NULL AND seq IN (SELECT seq FROM events"
    f" INDEXED BY by_message WHERE kind = 'delivery' AND key IN {_KEYS})"
)
_ELSEWHERE = "UPDATE messages SET blob = ? WHERE key = ? AND blob = ?"


class SqliteOldMail(OldMail):
    """The `OldMail` port over mail.db."""

    def __init__(self, database: MailDatabase) -> None:
        self._database = database

    async def oldest(self, server: ServerId, after: int, limit: int) -> list[MessageRecord]:
        """One range, without logs."""
        wanted = (key_of(server, after), key_of(ServerId(server + 1), 0), limit)
        rows = self._database.read(lambda db: fetched(db, _OLDEST, wanted))
        return [read_record(row) for row in rows]

    async def forget(self, records: Sequence[MessageRecord]) -> None:
        """One transaction."""
        keys = _keys(records)

        def forget(db: apsw.Connection) -> None:
            for statement in _FORGOTTEN:
                fetched(db, statement, (keys,))

        if records:
            await self._database.write(forget)

    async def forget_conversations(self, records: Sequence[MessageRecord]) -> None:
        """One update."""
        if records:
            keys = _keys(records)
            await self._database.write(lambda db: fetched(db, _UNSAID, (keys,)))

    async def put_elsewhere(self, record: MessageRecord, place: BlobRef) -> bool:
        """One update."""
        message = record.message
        wanted = (_text(place), key_of(message.server_id, message.id), _text(message.blob))

        def put(db: apsw.Connection) -> bool:
            fetched(db, _ELSEWHERE, wanted)
            return db.changes() == 1

        return await self._database.write(put)


def _keys(records: Sequence[MessageRecord]) -> str:
    return json.dumps([key_of(one.message.server_id, one.message.id) for one in records])


def _text(place: BlobRef) -> str:
    return json.dumps([place.key, place.offset, place.length])
