"""Rows of mail.db as records and deliveries, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from chalicelib.adapters.sqlite.columns import Columns
from chalicelib.adapters.sqlite.mail_schema import NOT_COLUMNS, ids_of, key_of
from chalicelib.adapters.storage.listing import due_at, recipient_key
from chalicelib.domain import lifecycle
from chalicelib.domain.fields import DELIVERY, MESSAGE, RECORD, Field, Kind, Table
from chalicelib.domain.flags import flag_of
from chalicelib.domain.model import Delivery, Message, MessageRecord, State

# Opens, clicks, complaints and resent messages alone write these; what changes of state writes is the rest.
OF_OTHERS = (
    *("opened_at", "clicked_at", "resent_as", "complained_at", "unsubscribed_at"),
    *("person_opened_at", "person_clicked_at"),
)
# Nothing but the state of a row tells these two.
_TOLD_BY_STATE = {
    "by_sweeper": f"(state = '{State.WAITING}' AND due_at IS NOT NULL)",
    "taken_over": f"(state = '{State.LEASED}' AND taken_over)",
}
_WHOLE = (*RECORD.fields, *(Field(name, "", Kind.MARK, False) for name in _TOLD_BY_STATE))
_MESSAGE = Columns(MESSAGE, NOT_COLUMNS)
_WRITTEN = Columns(RECORD, OF_OTHERS)
_OTHERS = Columns(
    Table(MessageRecord, tuple(one for one in RECORD.fields if one.name in OF_OTHERS))
)
_READ = Columns(Table(MessageRecord, _WHOLE))
_DELIVERY = Columns(DELIVERY)

MESSAGE_NAMES = _MESSAGE.names
# With what stands beside the fields of a record.
STATE_NAMES = (*_WRITTEN.names, "taken_over", "flag", "due_at")
NEW_NAMES = ("key", "rcpt_key", *MESSAGE_NAMES, *STATE_NAMES)
WHOLE_NAMES = (*NEW_NAMES, *_OTHERS.names, "logged")
STATE_SELECTED = ", ".join(("logged", *(_TOLD_BY_STATE.get(name, name) for name in _READ.names)))
SELECTED = ", ".join(("key", *MESSAGE_NAMES, STATE_SELECTED))
DELIVERY_COLUMNS = ", ".join(f"d_{name}" for name in _DELIVERY.names)
_STATE_AT = 1 + len(MESSAGE_NAMES)


def new_row(message: Message) -> tuple[Any, ...]:
    """The values of NEW_NAMES for a new message."""
    is_usual = message.scheduled_at is None
    state = _NEW_STATE if is_usual else state_row(lifecycle.accepted(message))
    return (*_message_row(message), *state)


def whole_row(record: MessageRecord) -> tuple[Any, ...]:
    """The values of WHOLE_NAMES for a record with its whole log."""
    others = _OTHERS.write(record)
    return (*_message_row(record.message), *state_row(record), *others, len(record.deliveries))


def _message_row(message: Message) -> tuple[Any, ...]:
    key, recipient = key_of(message.server_id, message.id), recipient_key(message.rcpt_to)
    return (key, recipient, *_MESSAGE.write(message))


def state_row(record: MessageRecord) -> tuple[Any, ...]:
    """The values of STATE_NAMES."""
    taken_over = int(record.taken_over and record.state is State.LEASED)
    return (*_WRITTEN.write(record), taken_over, flag_of(record), due_at(record))


def read_message(key: int, row: Sequence[Any]) -> Message:
    """The message of a key and a row of MESSAGE_NAMES."""
    return Message(*ids_of(key), *_MESSAGE.read(row))


def read_record(row: Sequence[Any], deliveries: tuple[Delivery, ...] = ()) -> MessageRecord:
    """The record of a row of SELECTED."""
    message = read_message(row[0], row[1:_STATE_AT])
    return read_state(message, row[_STATE_AT:], deliveries)


def read_state(
    message: Message, row: Sequence[Any], deliveries: tuple[Delivery, ...] = ()
) -> MessageRecord:
    """The record of a message and a row of STATE_SELECTED."""
    values = [message, *_READ.read(row[1:]), deliveries]
    return MessageRecord(*values)


def logged(row: Sequence[Any]) -> int:
    """How many deliveries the message of a row of SELECTED has."""
    count: int = row[_STATE_AT]
    return count


def delivery_row(delivery: Delivery) -> list[Any]:
    """The values of DELIVERY_COLUMNS."""
    return _DELIVERY.write(delivery)


def read_delivery(row: Sequence[Any]) -> Delivery:
    """The delivery of a row of DELIVERY_COLUMNS."""
    return Delivery(*_DELIVERY.read(row))


# The same for every new message that is sent at once.
_NEW_STATE = state_row(MessageRecord(cast("Message", None)))
