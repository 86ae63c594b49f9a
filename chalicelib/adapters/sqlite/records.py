"""Rows of mail.db as records and deliveries, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chalicelib.adapters.sqlite.columns import Columns
from chalicelib.adapters.sqlite.mail_schema import NOT_COLUMNS, ids_of, key_of
from chalicelib.adapters.storage.listing import due_at, flag_of, recipient_key
from chalicelib.domain.fields import DELIVERY, MESSAGE, RECORD
from chalicelib.domain.model import Delivery, Message, MessageRecord, State

# Opens and clicks alone write these; what changes of state writes is the rest.
_OF_HITS = ("opened_at", "clicked_at")
_MESSAGE = Columns(MESSAGE, NOT_COLUMNS)
_STATE = Columns(RECORD, _OF_HITS)
_DELIVERY = Columns(DELIVERY)

MESSAGE_NAMES = _MESSAGE.names
# With what stands beside the fields of a record.
STATE_NAMES = (*_STATE.names, "taken_over", "flag", "due_at")
NEW_NAMES = ("key", "rcpt_key", *MESSAGE_NAMES, *STATE_NAMES)
WHOLE_NAMES = (*NEW_NAMES, *_OF_HITS, "logged")
SELECTED = ", ".join(
    ("key", "taken_over", "due_at", "logged", *_OF_HITS, *MESSAGE_NAMES, *_STATE.names)
)
DELIVERY_COLUMNS = ", ".join(f"d_{name}" for name in _DELIVERY.names)
_MESSAGE_AT = 4 + len(_OF_HITS)
_STATE_AT = _MESSAGE_AT + len(MESSAGE_NAMES)


def new_row(message: Message) -> tuple[Any, ...]:
    """The values of NEW_NAMES for a new message."""
    return _row(MessageRecord(message))


def whole_row(record: MessageRecord) -> tuple[Any, ...]:
    """The values of WHOLE_NAMES for a record with its whole log."""
    return (*_row(record), record.opened_at, record.clicked_at, len(record.deliveries))


def _row(record: MessageRecord) -> tuple[Any, ...]:
    message = record.message
    return (
        key_of(message.server_id, message.id),
        recipient_key(message.rcpt_to),
        *_MESSAGE.write(message),
        *state_row(record),
    )


def state_row(record: MessageRecord) -> tuple[Any, ...]:
    """The values of STATE_NAMES."""
    taken_over = int(record.taken_over and record.state is State.LEASED)
    return (*_STATE.write(record), taken_over, flag_of(record), due_at(record))


def read_message(key: int, row: Sequence[Any]) -> Message:
    """The message of a key and a row of MESSAGE_NAMES."""
    server, number = ids_of(key)
    return Message(server_id=server, id=number, **_MESSAGE.fields(row))


def read_record(row: Sequence[Any], deliveries: tuple[Delivery, ...] = ()) -> MessageRecord:
    """The record of a row of SELECTED."""
    key, taken_over, due, _, opened_at, clicked_at = row[:_MESSAGE_AT]
    fields = _STATE.fields(row[_STATE_AT:])
    state = fields["state"]
    return MessageRecord(
        read_message(key, row[_MESSAGE_AT:_STATE_AT]),
        by_sweeper=state is State.WAITING and due is not None,
        taken_over=state is State.LEASED and bool(taken_over),
        opened_at=opened_at,
        clicked_at=clicked_at,
        deliveries=deliveries,
        **fields,
    )


def logged(row: Sequence[Any]) -> int:
    """How many deliveries the message of a row of SELECTED has."""
    count: int = row[3]
    return count


def delivery_row(delivery: Delivery) -> list[Any]:
    """The values of DELIVERY_COLUMNS."""
    return _DELIVERY.write(delivery)


def read_delivery(row: Sequence[Any]) -> Delivery:
    """The delivery of a row of DELIVERY_COLUMNS."""
    return Delivery(**_DELIVERY.fields(row))
