"""Message records as items and back, and the keys under which they are found.

`read_record(message_item(record, shard))` gives the record, except that only the three
newest deliveries lie in the item. Whether a record is in the due index is whether it has the index's key.
"""

from __future__ import annotations

import json
from dataclasses import astuple
from typing import TYPE_CHECKING, Any

from chalicelib.adapters.aws.dynamo.columns import Attribute, columns
from chalicelib.adapters.storage.listing import due_at, recipient_key
from chalicelib.domain.changes import Mark
from chalicelib.domain.dsn_parameters import DsnParameters
from chalicelib.domain.fields import BLOB, DELIVERY, MESSAGE, RECORD
from chalicelib.domain.flags import flag_of
from chalicelib.domain.model import Delivery, Message, MessageRecord, Scope, State
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.operations import Operation, parse_operation, render_operation

if TYPE_CHECKING:
    from chalicelib.adapters.aws.dynamo.table import Item, Key

DUE_SHARDS = 8
FLAG_CODES = {"held": "H", "queued": "Q", "scheduled": "S", "failed": "F", "bounced": "B"}
_SCOPES = {"o": Scope.OUTGOING, "i": Scope.INCOMING}
# The marks of a message are bits of one number.
MARKS = {"bounce": 1, "hold": 2, "received_with_ssl": 4, "smtputf8": 8, "unsubscribe": 16}
_DSN = "y"
OPERATION = "op"
MARK = "mk"
IN_THE_KEY = ("server_id", "id", "scope")
_MESSAGE = columns(MESSAGE, (*IN_THE_KEY, *MARKS, "blob", "dsn"))
_BLOB = columns(BLOB)
_DELIVERY = columns(DELIVERY)
_RECORD = columns(RECORD)


def partition_of(server: ServerId, scope: Scope, shard: int) -> str:
    """The partition of a list of messages."""
    return f"S#{server}#{scope.value[0]}#{shard}"


def sort_key(message: int) -> str:
    """Ten digits, so that text order is number order."""
    return f"{message:010d}"


def recipient_partition(server: ServerId, address: str) -> str:
    """The partition of the `rcpt` index."""
    return f"S#{server}#R#{recipient_key(address)}"


def flag_partition(server: ServerId, scope: Scope, flag: str) -> str:
    """The partition of the `flag` index."""
    return f"S#{server}#{scope.value[0]}#{FLAG_CODES[flag]}"


def log_partition(server: ServerId, message: MessageId) -> str:
    """Where the older deliveries of a message lie."""
    return f"T#{server}#{message}"


def message_item(record: MessageRecord, shard: int, write: str = "") -> Item:
    """The item of a record. `write` names the writing call."""
    message = record.message
    item = {
        "PK": {"S": partition_of(message.server_id, message.scope, shard)},
        "SK": {"S": sort_key(message.id)},
        "rk": {"S": recipient_partition(message.server_id, message.rcpt_to)},
        **_MESSAGE.write(message),
        **_BLOB.write(message.blob),
        **_RECORD.write(record),
    }
    if marks := sum(bit for name, bit in MARKS.items() if getattr(message, name)):
        item["b"] = {"N": str(marks)}
    if message.dsn is not None:
        item[_DSN] = {"L": [{"S": text} for text in astuple(message.dsn)]}
    if record.deliveries:
        item["l"] = {"L": [delivery_map(delivery) for delivery in record.deliveries]}
    if record.taken_over:
        item["ps"] = {"S": State.LEASED.value}
    if write:
        item["n"] = {"S": write}
    flag, due = flag_of(record), due_at(record)
    if flag is not None:
        item["fk"] = {"S": flag_partition(message.server_id, message.scope, flag)}
    if due is not None:
        item["dk"] = {"S": f"DUE#{message.id % DUE_SHARDS}"}
        item["du"] = {"N": str(due)}
    return item


def operation_attribute(operation: Operation | None) -> Item:
    """What an item has beside its record after an operation, until its state changes again."""
    return {} if operation is None else {OPERATION: {"S": render_operation(operation)}}


def read_operation(item: Item) -> Operation | None:
    """The operation beside a record."""
    return parse_operation(item[OPERATION]["S"]) if OPERATION in item else None


def read_mark(item: Item) -> tuple[Mark, float, str] | None:
    """What was last marked on a message, when, and what was noted beside."""
    if MARK not in item:
        return None
    mark, at, detail, *_ = json.loads(item[MARK]["S"])
    return Mark(mark), float(at), str(detail)


def older_delivery_item(server: ServerId, message: MessageId, delivery: Delivery) -> Item:
    """The item of a delivery that no longer fits beside its message."""
    return {
        "PK": {"S": log_partition(server, message)},
        "SK": {"S": f"D#{delivery.id:010d}"},
        "v": delivery_map(delivery),
    }


def delivery_map(delivery: Delivery) -> Attribute:
    """One delivery as a compact map."""
    return {"M": _DELIVERY.write(delivery)}


def key_of_record(item: Item) -> Key:
    """The primary key of an item, also of one read through an index."""
    return item["PK"]["S"], item["SK"]["S"]


def read_record(item: Item) -> MessageRecord:
    """The record of an item. KeyError or ValueError when it is none."""
    fields = _RECORD.fields(item)
    state = fields["state"]
    return MessageRecord(
        message=_read_message(item),
        by_sweeper=state is State.WAITING and "dk" in item,
        taken_over=state is State.LEASED and item.get("ps") == {"S": State.LEASED.value},
        deliveries=tuple(read_delivery(one["M"]) for one in item.get("l", {}).get("L", ())),
        **fields,
    )


def read_delivery(fields: Item) -> Delivery:
    """The delivery of a compact map."""
    return _DELIVERY.read(fields)


def _read_message(item: Item) -> Message:
    server, scope = item["PK"]["S"].split("#")[1:3]
    bits = int(item["b"]["N"]) if "b" in item else 0
    marks: dict[str, Any] = {name: bool(bits & bit) for name, bit in MARKS.items()}
    dsn = item.get(_DSN)
    return Message(
        server_id=ServerId(int(server)),
        id=MessageId(int(item["SK"]["S"])),
        scope=_SCOPES[scope],
        blob=_BLOB.read(item),
        dsn=None if dsn is None else DsnParameters(*(one["S"] for one in dsn["L"])),
        **marks,
        **_MESSAGE.fields(item),
    )
