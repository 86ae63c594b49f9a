"""Records of mail.db with their logs: the newest deliveries of one message, or of many in one statement."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.records import (
    DELIVERY_COLUMNS,
    delivery_row,
    logged,
    read_delivery,
    read_record,
)
from chalicelib.adapters.storage.listing import NEWEST_KEPT
from chalicelib.domain.model import Delivery, MessageRecord

if TYPE_CHECKING:
    import apsw

LOG = (
    f"INSERT INTO events(key, kind, at, {DELIVERY_COLUMNS})"
    f" VALUES (?, 'delivery', ?{', ?' * len(DELIVERY_COLUMNS.split(','))})"
)
_LOG_WITH_DETAIL = (
    f"INSERT INTO events(key, kind, at, {DELIVERY_COLUMNS}, detail)"
    f" VALUES (?, 'delivery', ?{', ?' * len(DELIVERY_COLUMNS.split(','))}, ?)"
)
LOGGED = f"SELECT {DELIVERY_COLUMNS} FROM events WHERE kind = 'delivery' AND key = ? ORDER BY seq"
_NEWEST = f"{LOGGED} DESC LIMIT {NEWEST_KEPT}"
# Of several messages at once; one look-up for each takes as long as reading the messages.
_LOGS = (
    f"SELECT key, {DELIVERY_COLUMNS} FROM events INDEXED BY by_message"
    " WHERE kind = 'delivery' AND key IN (SELECT value FROM json_each(?)) ORDER BY key, seq"
)


def log(db: apsw.Connection, key: int, delivery: Delivery, detail: str | None) -> None:
    """Add to the log of a message in this transaction, with what must be kept beside."""
    row = (key, delivery.at, *delivery_row(delivery))
    if detail is None:
        db.execute(LOG, row)
    else:
        db.execute(_LOG_WITH_DETAIL, (*row, detail))


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
