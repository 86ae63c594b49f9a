"""A state folder with very many messages, written by the family's own statements in large transactions.

Twenty servers whose messages alternate, as they do in life; nearly all are sent, some failed, are held or wait for the
sweeper, and each has a delivery in its log. Every hundredth has an open whose time is over. Whoever consumes the log
has read all of it. There are no bodies, and nothing is durable until it is all written.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.store_work import message
from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.feed_position import CONSUMER
from chalicelib.adapters.sqlite.folder import StateFolder
from chalicelib.adapters.sqlite.logs import LOG
from chalicelib.adapters.sqlite.mail_schema import MailDatabase, key_of
from chalicelib.adapters.sqlite.messages import CREATE
from chalicelib.adapters.sqlite.records import delivery_row, new_row, state_row
from chalicelib.config import Settings
from chalicelib.domain.model import BlobRef, Delivery, Message, MessageRecord, State, Status

SERVERS = 20
TOGETHER = 20_000
OVER = 1
FIRST_AT = 1_700_000_000.0
SECONDS_BETWEEN = 30.0
TAGS = 1_000
_HIT = "INSERT INTO events(key, kind, at, keep_until, hit) VALUES (?, 'open', ?, ?, ?)"
# One more statement for each message would take as long as the message.
_LOGGED = CREATE.replace("(key,", "(logged, key,").replace("(?,", "(1, ?,")
_SEEN = json.dumps({"ip": "192.0.2.1", "agent": "Mozilla/5.0 (X11; Linux x86_64)", "url": ""})


def fill(folder: Path, messages: int) -> None:
    """Write so many messages into a new state folder."""
    database = MailDatabase(StateFolder(Settings(state_folder=str(folder))))
    db = database._writer
    fetched(db, "PRAGMA synchronous=OFF")
    for start in range(0, messages, TOGETHER):
        numbers = range(start, min(start + TOGETHER, messages))
        made = [_kept(number) for number in numbers]
        fetched(db, "BEGIN IMMEDIATE")
        db.executemany(_LOGGED, (_row(record) for record in made)).fetchall()
        db.executemany(LOG, (_log(record) for record in made)).fetchall()
        db.executemany(_HIT, _hits(made)).fetchall()
        fetched(db, "COMMIT")
    fetched(db, "INSERT INTO positions SELECT ?, max(seq) FROM events", (CONSUMER,))
    fetched(db, "PRAGMA wal_checkpoint(TRUNCATE)")
    fetched(db, "PRAGMA synchronous=FULL")


def _kept(number: int) -> MessageRecord:
    """A message that has been tried once."""
    blob = BlobRef(f"20260101/0123456789ab-{number // 60_000}.seg", number % 60_000 * 4_112, 4_096)
    given = _named(number, message(number // SERVERS + 1, blob, 1 + number % SERVERS))
    delivery = Delivery(
        given.id,
        Status.SENT,
        "Message for rcpt@sink.example accepted by 198.51.100.7 (mx.sink.example)",
        given.received_at,
        "250 2.0.0 OK",
        sent_with_ssl=True,
        log_id="0123456789",
        seconds=0.12,
        tls="TLSv1.3 TLS_AES_256_GCM_SHA384",
        source="default",
        remote="198.51.100.7:25 (mx.sink.example)",
    )
    return _in_state(number, given, delivery)


def _named(number: int, given: Message) -> Message:
    """With a word and a time of its own, every tenth with a tag."""
    return replace(
        given,
        subject=f"Your receipt R{given.id} from Example Inc",
        received_at=FIRST_AT + SECONDS_BETWEEN * number,
        tag=f"tag{given.id % TAGS}" if given.id % 10 == 0 else None,
    )


def _in_state(number: int, given: Message, delivery: Delivery) -> MessageRecord:
    done = MessageRecord(
        given,
        Status.SENT,
        State.DONE,
        attempt=1,
        last_attempt_at=given.received_at,
        deliveries=(delivery,),
    )
    kind = number // SERVERS % 100
    if kind == 0:
        failed = replace(delivery, status=Status.HARD_FAIL)
        return replace(done, status=Status.HARD_FAIL, deliveries=(failed,))
    if kind == 1:
        return replace(
            done, status=Status.HELD, state=State.HELD, held=True, hold_expires_at=4_000_000_000
        )
    if kind == 2:
        soft = replace(done, status=Status.SOFT_FAIL, state=State.WAITING, tries=1)
        return replace(soft, by_sweeper=True, wake_at=1_000_000_000 + number)
    return done


def _row(record: MessageRecord) -> tuple[Any, ...]:
    """The row of a message that is not new."""
    row = new_row(record.message)
    state = state_row(record)
    return (*row[: len(row) - len(state)], *state)


def _log(record: MessageRecord) -> tuple[Any, ...]:
    (delivery,) = record.deliveries
    key = key_of(record.message.server_id, record.message.id)
    return (key, delivery.at, *delivery_row(delivery))


def _hits(records: list[MessageRecord]) -> Iterator[tuple[Any, ...]]:
    for record in records[::100]:
        key = key_of(record.message.server_id, record.message.id)
        yield key, record.message.received_at, OVER, _SEEN
