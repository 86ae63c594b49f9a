"""Whole messages out of mail.db and into it.

No consumer is told of what is stored here: its rows of the log are named BROUGHT, and the feed leaves these out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.engagement import (
    HIT,
    KEEP_LINKS,
    hit_row,
    links_row,
    read_hit,
    read_links,
)
from chalicelib.adapters.sqlite.feed import BROUGHT
from chalicelib.adapters.sqlite.logs import LOG, LOGGED
from chalicelib.adapters.sqlite.mail_schema import MailDatabase, key_of
from chalicelib.adapters.sqlite.records import (
    WHOLE_NAMES,
    delivery_row,
    read_delivery,
    whole_row,
)
from chalicelib.domain.model import MessageRecord
from chalicelib.ports.clock import Clock
from chalicelib.ports.transfer import MessageTransfer, WholeMessage

if TYPE_CHECKING:
    import apsw

_PUT = (
    f"INSERT OR REPLACE INTO messages({', '.join(WHOLE_NAMES)})"
    f" VALUES ({', '.join('?' * len(WHOLE_NAMES))})"
)
_NAME = "UPDATE events SET name = ? WHERE seq > ?"
_LINKS = "SELECT packed, keep_until FROM links WHERE key = ? AND keep_until > ?"
_HITS = (
    "SELECT kind, at, hit, keep_until FROM events"
    " WHERE kind IN ('open', 'click') AND key = ? AND keep_until > ? ORDER BY at, seq"
)
_IS_AS_KNOWN = (
    "SELECT 1 FROM messages"
    " WHERE key = ? AND attempt = ? AND state = ? AND coalesce(lease_owner, '') = ?"
)
# Apart, because each has an index of its own.
_FORGET = (
    "DELETE FROM events WHERE kind = 'delivery' AND key = ?",
    "DELETE FROM events WHERE kind IN ('open', 'click') AND key = ?",
)


class SqliteMessageTransfer(MessageTransfer):
    """The `MessageTransfer` port over mail.db."""

    def __init__(self, database: MailDatabase, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def whole(self, records: Sequence[MessageRecord]) -> list[WholeMessage]:
        """Each with its rows of the other tables."""
        now = self._clock.now()
        return self._database.read(lambda db: [_whole(db, record, now) for record in records])

    async def add(self, messages: Sequence[WholeMessage]) -> None:
        """All in one transaction."""

        def add(db: apsw.Connection) -> None:
            for one in messages:
                _put(db, one)

        await self._database.write(add)

    async def renew(self, before: MessageRecord, after: WholeMessage) -> bool:
        """Write it anew, if its record is still as known."""
        key = key_of(before.message.server_id, before.message.id)
        known = (key, before.attempt, before.state.value, before.lease_owner)

        def renew(db: apsw.Connection) -> bool:
            if not fetched(db, _IS_AS_KNOWN, known):
                return False
            for statement in _FORGET:
                fetched(db, statement, (key,))
            _put(db, after)
            return True

        return await self._database.write(renew)


def _whole(db: apsw.Connection, record: MessageRecord, now: float) -> WholeMessage:
    key = key_of(record.message.server_id, record.message.id)
    log = tuple(read_delivery(row) for row in fetched(db, LOGGED, (key,)))
    kept = fetched(db, _LINKS, (key, now))
    links, until = (read_links(kept[0][0]), kept[0][1]) if kept else ((), 0)
    hits = tuple((read_hit(row[:3]), row[3]) for row in fetched(db, _HITS, (key, now)))
    return WholeMessage(replace(record, deliveries=log), links, until, hits)


def _put(db: apsw.Connection, whole: WholeMessage) -> None:
    record, message = whole.record, whole.record.message
    key = key_of(message.server_id, message.id)
    fetched(db, _PUT, whole_row(record))
    last = _last(db)
    for delivery in record.deliveries:
        fetched(db, LOG, (key, delivery.at, *delivery_row(delivery)))
    if whole.links:
        row = links_row(message.server_id, message.id, whole.links, whole.links_until)
        fetched(db, KEEP_LINKS, row)
    for hit, until in whole.hits:
        fetched(db, HIT, hit_row(message.server_id, message.id, hit, until))
    fetched(db, _NAME, (BROUGHT, last))


def _last(db: apsw.Connection) -> int:
    """The newest row of the log."""
    ((last,),) = fetched(db, "SELECT coalesce(max(seq), 0) FROM events")
    return int(last)
