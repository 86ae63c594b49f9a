"""What is wrong with databases, rows and bodies: one fault a sentence, found without changing anything.

Rows are read in short transactions, so that it may run beside the processes that write, and in bounded memory. A row
that changed or went meanwhile is no fault. It does not find a changed letter in a text that is still a text.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chalicelib.adapters.sqlite.bodies import Bodies
from chalicelib.adapters.sqlite.control import CHECK_WORD
from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.mail_schema import ids_of
from chalicelib.adapters.sqlite.records import (
    DELIVERY_COLUMNS,
    SELECTED,
    read_delivery,
    read_record,
)
from chalicelib.adapters.sqlite.sealing_keys import CHECK_CONTEXT
from chalicelib.adapters.storage.beside import parse_beside
from chalicelib.adapters.storage.packs import read_pack
from chalicelib.domain.changes import Mark
from chalicelib.domain.delivery_job import parse_job
from chalicelib.domain.durations import DAY
from chalicelib.domain.ids import is_own_token
from chalicelib.domain.jobs import Job
from chalicelib.domain.json_values import parse_value
from chalicelib.domain.nouns import NOUNS, secrets_of
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.operations import parse_operation
from chalicelib.domain.report import Report
from chalicelib.domain.retention import day_in, day_of
from chalicelib.domain.webhooks.delivery import WebhookDelivery

if TYPE_CHECKING:
    import apsw

AT_ONCE = 1_000
Done = Callable[[int], None]
_KINDS = {entity.word: entity for entity in NOUNS}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: where, and a sentence for people."""

    place: str
    text: str


def structure_faults(db: apsw.Connection, name: str, *, full: bool = False) -> Iterator[Fault]:
    """What SQLite itself finds, at most a hundred."""
    check = "integrity_check" if full else "quick_check"
    for (text,) in db.execute(f"PRAGMA {check}(100)"):
        if text != "ok":
            yield Fault(name, f"{name} is damaged: {text}")


def message_faults(db: apsw.Connection, bodies: Bodies, done: Done) -> Iterator[Fault]:
    """Messages that cannot be read, and bodies that are not what their rows say. `done` gets numbers of messages."""
    stored = _stored(db)
    for rows in _pages(db, f"SELECT {SELECTED} FROM messages WHERE key > ? ORDER BY key"):
        for row in rows:
            text = _message_fault(db, row, bodies, stored)
            if text and fetched(db, f"SELECT {SELECTED} FROM messages WHERE key = ?", row[:1]) == [
                row
            ]:
                yield Fault(_title(row[0]), f"Message {_title(row[0])} {text}")
        done(len(rows))
    for segment, (count, first) in bodies.missing.items():
        if not fetched(db, "SELECT 1 FROM messages WHERE key = ?", (first,)):
            continue
        yield Fault(
            segment,
            f"{segment} is missing, with the bodies of {count} messages, of which the first is {_title(first)}",
        )


def row_faults(db: apsw.Connection, done: Done) -> Iterator[Fault]:
    """Rows of the other tables of mail.db that cannot be read."""
    for table, (statement, read) in _ROWS.items():
        for rows in _pages(db, statement):
            for row in rows:
                if not _readable(read, row[1:]) and (row in _again(db, statement, row[0])):
                    yield Fault(f"{table} {row[0]}", f"Row {row[0]} of {table} cannot be read")
            done(len(rows))
    yield from _counter_faults(db)
    for server, name, value in db.execute("SELECT server, id, value FROM jobs"):
        if not _readable(parse_value, (Job, value)):
            yield Fault(f"jobs {name}", f"The job {name} of server {server} cannot be read")


def _counter_faults(db: apsw.Connection) -> Iterator[Fault]:
    """Counters that cannot be read, and numbers that would be given twice."""
    for row in db.execute(_COUNTERS):
        if not _readable(json.loads, row[-1:]):
            yield Fault(
                f"counters {row[:3]}",
                f"The counters of server {row[0]} from {row[2]} cannot be read",
            )
    for server, last, highest in db.execute(_NUMBERS):
        if type(last) is not int or last < (highest & 0x7FFFFFFF):
            yield Fault(
                f"numbers {server}",
                f"Server {server} would give numbers again that its messages have: {last} was last",
            )


def noun_faults(db: apsw.Connection, opens: Callable[[bytes, Any], bool]) -> Iterator[Fault]:
    """Configuration that cannot be read, secrets that `opens` says no to, and look-ups that lead nowhere."""
    for (sealed,) in fetched(db, CHECK_WORD):
        if not opens(sealed, CHECK_CONTEXT):
            yield Fault("key", "The key file is not the one that sealed the secrets")
            return
    for kind, owner, name, text in db.execute("SELECT kind, owner, name, value FROM nouns"):
        title = f"{kind} {name if len(name) > 1 else owner}".strip()
        try:
            value = parse_value(_KINDS[kind].kind, text)
            secrets = secrets_of(_KINDS[kind], value)
        except Exception:  # whatever a damaged value raises
            yield Fault(title, f"The {title} cannot be read")
            continue
        for one in secrets.values():
            if not opens(one.sealed, one.context):
                yield Fault(title, f"The key file does not open a secret of the {title}")
    for kind, name in db.execute(_LEADS_NOWHERE):
        yield Fault(f"{kind} {name}", f"A look-up of the {kind} {name} leads nowhere")


_ROWS: dict[str, tuple[str, Callable[..., Any]]] = {
    "events": (
        f"SELECT seq, kind, hit, operation, detail, {DELIVERY_COLUMNS} FROM events WHERE seq > ? ORDER BY seq",
        lambda kind, hit, operation, detail, *delivery: _EVENTS[kind](
            hit or operation or detail, delivery
        ),
    ),
    "queue": (
        "SELECT id, body FROM queue WHERE body IS NOT NULL AND id > ? ORDER BY id",
        parse_job,
    ),
    "links": (
        "SELECT key, packed FROM links WHERE key > ? ORDER BY key",
        lambda packed: json.loads(zlib.decompress(packed)),
    ),
    "reports": (
        "SELECT key, value FROM reports WHERE key > ? ORDER BY key",
        lambda value: parse_value(Report, value),
    ),
    "packs": (
        "SELECT seq, server, occurrences FROM packs WHERE seq > ? ORDER BY seq",
        read_pack,
    ),
    "webhook_deliveries": (
        "SELECT rowid, value FROM webhook_deliveries WHERE rowid > ? ORDER BY rowid",
        lambda value: parse_value(WebhookDelivery, value),
    ),
}
# What a row tells is in the one of its columns that its kind has.
_EVENTS: dict[str, Callable[[Any, Sequence[Any]], Any]] = {
    "new": lambda told, delivery: None,
    "delivery": lambda told, delivery: read_delivery(delivery),
    "open": lambda told, delivery: json.loads(told),
    "click": lambda told, delivery: json.loads(told),
    "operation": lambda told, delivery: parse_operation(told),
    "mark": lambda told, delivery: Mark(json.loads(told)[0]),
    "report": lambda told, delivery: parse_value(Report, told),
    "event": lambda told, delivery: parse_beside(ServerId(0), told),
}
_COUNTERS = (
    "SELECT server, period, start, counts FROM counters"
    " UNION ALL SELECT server, dimension || ' ' || period, start, counts FROM group_counts"
)
_NUMBERS = """
SELECT server, n, (SELECT max(key) FROM messages WHERE key >= server << 31 AND key < server + 1 << 31) AS highest
FROM numbers WHERE kind = 'message' AND highest IS NOT NULL"""
# What came from elsewhere has its own token; its log says so when the token works no more.
_IS_BROUGHT = """
SELECT 1 FROM imported_tokens WHERE server = ? AND token = ?
  UNION ALL SELECT 1 FROM events WHERE kind = 'delivery' AND key = ? AND name = 'moved' LIMIT 1"""
_LEADS_NOWHERE = """
SELECT l.kind, l.name FROM look_ups l LEFT JOIN nouns n
  ON n.kind = l.kind AND n.code = l.to_code AND n.owner = l.to_owner AND n.name = l.to_name WHERE n.kind IS NULL"""


def _stored(db: apsw.Connection) -> frozenset[tuple[int, str]] | None:
    """Of which servers and days content is kept; None where an older release, which kept all, was the last to run."""
    if not fetched(db, "SELECT 1 FROM sqlite_master WHERE name = 'content_days'"):
        return None
    return frozenset(fetched(db, "SELECT server, day FROM content_days"))


def _message_fault(
    db: apsw.Connection,
    row: Sequence[Any],
    bodies: Bodies,
    stored: frozenset[tuple[int, str]] | None,
) -> str:
    """What is wrong with a message, as the end of a sentence; empty when nothing is."""
    try:
        message = read_record(row).message
    except Exception:  # whatever a damaged row raises
        return "cannot be read"
    is_own = is_own_token(message.token, message.server_id, message.id)
    if not is_own and not fetched(db, _IS_BROUGHT, (message.server_id, message.token, row[0])):
        return "has a token of another message"
    day, at = day_in(message.blob.key), message.received_at
    is_its_own = day_of(at - DAY) <= day <= day_of(at + DAY)
    if stored is not None and is_its_own and (message.server_id, day) not in stored:
        return ""  # given back with its day
    return bodies.fault(message.blob, message.server_id, row[0])


def _readable(read: Callable[..., Any], row: Sequence[Any]) -> bool:
    try:
        read(*row)
    except Exception:  # whatever a damaged row raises
        return False
    return True


def _pages(db: apsw.Connection, statement: str) -> Iterator[list[Any]]:
    """Rows in the order of their first column, which is an integer key, each page in a transaction of its own."""
    after = -1
    while rows := fetched(db, f"{statement} LIMIT {AT_ONCE}", (after,)):
        yield rows
        after = rows[-1][0]


def _again(db: apsw.Connection, statement: str, key: int) -> list[Any]:
    return fetched(db, f"{statement} LIMIT 1", (key - 1,))


def _title(key: int) -> str:
    server, message = ids_of(key)
    return f"{server}/{message}"
