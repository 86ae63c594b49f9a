"""What happens to messages, read from the log of mail.db in the order of its commits: the feed of the outbox.

There is one source. A consumer's position is where it has read to; it is kept, and what was read after it is read
again.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.engagement import KIND_OF
from chalicelib.adapters.sqlite.mail_schema import MailDatabase, ids_of
from chalicelib.adapters.sqlite.records import (
    DELIVERY_COLUMNS,
    SELECTED,
    read_delivery,
    read_record,
)
from chalicelib.domain.changes import Change, HitAdded, MessageChange
from chalicelib.domain.model import MessageRecord

if TYPE_CHECKING:
    import apsw

SOURCE = "mail"
CONSUMER = "outbox"
MOST_READ = 1_000
_POSITION = "SELECT seq FROM positions WHERE consumer = ?"
_MOVE = "INSERT OR REPLACE INTO positions VALUES (?, ?)"
_EVENTS = (
    f"SELECT seq, key, kind, at, {DELIVERY_COLUMNS} FROM events WHERE seq > ? ORDER BY seq LIMIT ?"
)
_MESSAGE = f"SELECT {SELECTED} FROM messages WHERE key = ?"


class EventFeed:
    """The log as changes."""

    def __init__(self, database: MailDatabase) -> None:
        self._database = database

    def read(self) -> tuple[list[Change], int]:
        """The changes after the position, at most MOST_READ, and the position behind them. What is told of messages
        that are gone is left out."""

        def read(db: apsw.Connection) -> tuple[list[Change], int]:
            found: list[Change] = []
            position = position_of(db)
            records: dict[int, MessageRecord | None] = {}
            for row in fetched(db, _EVENTS, (position, MOST_READ)):
                position = row[0]
                change = _change(db, row, records)
                if change is not None:
                    found.append(change)
            return found, position

        return self._database.read(read)

    def position(self) -> int:
        """Up to which event every consumer has read."""
        return self._database.read(position_of)

    async def move(self, position: int) -> None:
        """Keep the position: nothing up to it is read again."""
        await self._database.write(lambda db: fetched(db, _MOVE, (CONSUMER, position)))


def position_of(db: apsw.Connection) -> int:
    """How far every consumer has read."""
    rows = fetched(db, _POSITION, (CONSUMER,))
    return int(rows[0][0]) if rows else 0


def _change(
    db: apsw.Connection, row: tuple[Any, ...], records: dict[int, MessageRecord | None]
) -> Change | None:
    """What an event tells; `records` are those that were read for events before it."""
    sequence, key, kind, at, *delivery = row
    if kind in KIND_OF:
        return HitAdded(str(sequence), ids_of(key)[0], KIND_OF[kind], at)
    if key not in records:
        rows = fetched(db, _MESSAGE, (key,))
        records[key] = read_record(rows[0]) if rows else None
    record = records[key]
    if record is None:
        return None
    if kind == "new":
        return MessageChange(str(sequence), None, record)
    after = replace(record, deliveries=(read_delivery(delivery),))
    return MessageChange(str(sequence), record, after)
