"""Records of mail.db with their logs: the newest deliveries of one message, or of many in one statement."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.mail_schema import key_of
from chalicelib.adapters.sqlite.records import (
    DELIVERY_COLUMNS,
    delivery_row,
    logged,
    read_delivery,
    read_record,
)
from chalicelib.adapters.storage.listing import NEWEST_KEPT
from chalicelib.domain.firsts import firsts
from chalicelib.domain.model import Delivery, MessageRecord
from chalicelib.domain.operations import Operation
from chalicelib.domain.outcome_detail import outcome_detail
from chalicelib.ports.messages import Flagged

if TYPE_CHECKING:
    import apsw

LOG = (
    f"INSERT INTO events(key, kind, at, {DELIVERY_COLUMNS})"
    f" VALUES (?, 'delivery', ?{', ?' * len(DELIVERY_COLUMNS.split(','))})"
)
_LOG_WITH_MORE = (
    f"INSERT INTO events(key, kind, at, {DELIVERY_COLUMNS}, detail, firsts)"
    f" VALUES (?, 'delivery', ?{', ?' * len(DELIVERY_COLUMNS.split(','))}, ?, ?)"
)
_COUNT_FLAGGED = (
    "WITH found AS (SELECT key FROM messages INDEXED BY by_flag"
    " WHERE flag = :flag AND scope = :scope AND key >= :low AND key < :high ORDER BY key LIMIT :limit)"
    " SELECT count(*), (SELECT received_at FROM messages WHERE key = (SELECT min(key) FROM found)) FROM found"
)
LOGGED = f"SELECT {DELIVERY_COLUMNS} FROM events WHERE kind = 'delivery' AND key = ? ORDER BY seq"
_NEWEST = f"{LOGGED} DESC LIMIT {NEWEST_KEPT}"
# Of several messages at once; one look-up for each takes as long as reading the messages.
_LOGS = (
    f"SELECT key, {DELIVERY_COLUMNS} FROM events INDEXED BY by_message"
    " WHERE kind = 'delivery' AND key IN (SELECT value FROM json_each(?)) ORDER BY key, seq"
)


def read_records(
    db: apsw.Connection, statement: str, wanted: tuple[Any, ...] | dict[str, Any]
) -> list[MessageRecord]:
    """The records of a statement over SELECTED, each with its newest deliveries."""
    rows = fetched(db, statement, wanted)
    if len(rows) == 1:
        return [_with_log(db, rows[0])]
    few = [row[0] for row in rows if 0 < logged(row) <= NEWEST_KEPT]
    logs: defaultdict[int, list[Delivery]] = defaultdict(list)
    for key, *delivery in fetched(db, _LOGS, (json.dumps(few),)) if few else ():
        logs[key].append(read_delivery(delivery))
    return [
        _with_log(db, row) if logged(row) > NEWEST_KEPT else read_record(row, tuple(logs[row[0]]))
        for row in rows
    ]


def _with_log(db: apsw.Connection, row: Sequence[Any]) -> MessageRecord:
    """The record of a row with its newest deliveries."""
    return read_record(row, newest(db, row[0]) if logged(row) else ())


def newest(db: apsw.Connection, key: int) -> tuple[Delivery, ...]:
    """The newest deliveries of a message."""
    return tuple(read_delivery(one) for one in reversed(fetched(db, _NEWEST, (key,))))


def log(
    db: apsw.Connection,
    before: MessageRecord,
    after: MessageRecord,
    added: Sequence[Delivery],
    operation: Operation | None,
) -> None:
    """Add the deliveries of a change to the log of its message, the last with what must be told beside it."""
    key = key_of(before.message.server_id, before.message.id)
    for delivery in added:
        row = (key, delivery.at, *delivery_row(delivery))
        detail = outcome_detail(after, delivery, operation)
        first = firsts(before, after) if delivery is added[-1] else 0
        if detail is None and not first:
            db.execute(LOG, row)
        else:
            db.execute(_LOG_WITH_MORE, (*row, detail, first or None))


def count_flagged(db: apsw.Connection, wanted: dict[str, Any]) -> Flagged:
    """How many messages `wanted` has, and when the oldest was accepted."""
    ((number, oldest),) = fetched(db, _COUNT_FLAGGED, wanted)
    return Flagged(number, oldest)
