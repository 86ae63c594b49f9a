"""Rows of mail.db as records and deliveries, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chalicelib.adapters.sqlite.columns import bindings, columns, present
from chalicelib.adapters.sqlite.mail_schema import NOT_COLUMNS, ids_of, key_of
from chalicelib.adapters.storage.listing import due_at, flag_of, recipient_key
from chalicelib.domain.fields import DELIVERY, MESSAGE, RECORD
from chalicelib.domain.model import Delivery, Message, MessageRecord, State

_MESSAGE = columns(MESSAGE, NOT_COLUMNS)
_RECORD = columns(RECORD)
_DELIVERY = columns(DELIVERY)

MESSAGE_NAMES = tuple(sorted(_MESSAGE.names))
# What changes of state write; opens and clicks alone write the other two.
STATE_NAMES = tuple(sorted(_RECORD.names - {"opened_at", "clicked_at"}))
RECORD_NAMES = (*STATE_NAMES, "opened_at", "clicked_at")
DELIVERY_NAMES = tuple(sorted(_DELIVERY.names))
# Columns beside the fields of a record, in the order of `record_row`.
BESIDE = ("taken_over", "flag", "due_at")
SELECTED = ", ".join(("key", "taken_over", "due_at", "logged", *MESSAGE_NAMES, *RECORD_NAMES))
DELIVERY_COLUMNS = ", ".join(f"d_{name}" for name in DELIVERY_NAMES)


def message_row(message: Message) -> dict[str, Any]:
    """The columns of a new message."""
    return {
        "key": key_of(message.server_id, message.id),
        "rcpt_key": recipient_key(message.rcpt_to),
        **bindings(MESSAGE_NAMES, _MESSAGE.write(message)),
        **state_row(MessageRecord(message)),
    }


def state_row(record: MessageRecord) -> dict[str, Any]:
    """The columns that a change of state writes."""
    return {
        **bindings(STATE_NAMES, _RECORD.write(record)),
        "taken_over": int(record.taken_over and record.state is State.LEASED),
        "flag": flag_of(record),
        "due_at": due_at(record),
    }


def read_message(key: int, row: Sequence[Any]) -> Message:
    """The message of a key and a row of MESSAGE_NAMES."""
    server, number = ids_of(key)
    return Message(server_id=server, id=number, **_MESSAGE.fields(present(MESSAGE_NAMES, row)))


def read_record(row: Sequence[Any], deliveries: tuple[Delivery, ...] = ()) -> MessageRecord:
    """The record of a row of SELECTED."""
    key, taken_over, due, _ = row[:4]
    split = 4 + len(MESSAGE_NAMES)
    message = read_message(key, row[4:split])
    fields = _RECORD.fields(present(RECORD_NAMES, row[split:]))
    state = fields["state"]
    return MessageRecord(
        message,
        by_sweeper=state is State.WAITING and due is not None,
        taken_over=state is State.LEASED and bool(taken_over),
        deliveries=deliveries,
        **fields,
    )


def logged(row: Sequence[Any]) -> int:
    """How many deliveries the message of a row of SELECTED has."""
    count: int = row[3]
    return count


def delivery_row(delivery: Delivery) -> dict[str, Any]:
    """The columns of a delivery in the log."""
    written = _DELIVERY.write(delivery)
    return {f"d_{name}": written.get(name) for name in DELIVERY_NAMES}


def read_delivery(row: Sequence[Any]) -> Delivery:
    """The delivery of a row of DELIVERY_COLUMNS."""
    return _DELIVERY.read(present(DELIVERY_NAMES, row))
