"""Message records as items and back, and the keys under which they are found.

`read_record(message_item(record, shard))` gives the record, except that only the three
newest deliveries lie in the item. Whether a record is in the due index is whether it has the index's key.
"""

from __future__ import annotations

from typing import Any

from chalicelib.adapters.aws.dynamo.models import (
    DeliveryMap,
    Item,
    MessageItem,
    OlderDeliveryItem,
)
from chalicelib.adapters.aws.dynamo.table import Key
from chalicelib.adapters.standing import due_at, flag_of, recipient_key
from chalicelib.domain.model import (
    BlobRef,
    Delivery,
    DsnParameters,
    Message,
    MessageId,
    MessageRecord,
    Scope,
    State,
    Status,
)
from chalicelib.domain.tenancy import ServerId

DUE_SHARDS = 8
STATUS_CODES = {
    Status.PENDING: "P",
    Status.SENT: "S",
    Status.SOFT_FAIL: "T",
    Status.HARD_FAIL: "F",
    Status.HELD: "H",
    Status.BOUNCED: "B",
    Status.PROCESSED: "D",
    Status.HOLD_CANCELLED: "C",
    Status.ERROR: "E",
}
_STATUSES = {code: status for status, code in STATUS_CODES.items()}
FLAG_CODES = {"held": "H", "queued": "Q", "failed": "F", "bounced": "B"}
_MARKS = {"bounce": 1, "hold": 2, "received_with_ssl": 4, "smtputf8": 8}
_SCOPES = {"o": Scope.OUTGOING, "i": Scope.INCOMING}
_DELIVERY_TEXTS = {
    "d": "details",
    "o": "output",
    "g": "log_id",
    "y": "tls",
    "b": "source",
    "m": "remote",
}


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
    marks = sum(bit for name, bit in _MARKS.items() if getattr(message, name))
    flag = flag_of(record)
    due = due_at(record)
    dsn = message.dsn
    item = MessageItem(
        pk=partition_of(message.server_id, message.scope, shard),
        sk=sort_key(message.id),
        token=message.token,
        mail_from=message.mail_from,
        rcpt_to=message.rcpt_to,
        subject=message.subject,
        message_id=message.message_id,
        received_at=message.received_at,
        size=message.size,
        blob_key=message.blob.key,
        blob_offset=message.blob.offset or None,
        blob_length=message.blob.length,
        pool=message.pool,
        domain=message.domain,
        credential_id=message.credential_id,
        tag=message.tag,
        marks=marks or None,
        dsn=None if dsn is None else [dsn.notify, dsn.orcpt, dsn.ret, dsn.envid],
        status=STATUS_CODES[record.status],
        state=record.state.value,
        attempt=record.attempt,
        tries=record.tries or None,
        lost_replies=record.lost_replies or None,
        lease_owner=record.lease_owner or None,
        lease_until=record.lease_until or None,
        wake_at=record.wake_at or None,
        held=record.held or None,
        hold_expires_at=record.hold_expires_at,
        last_attempt_at=record.last_attempt_at,
        previous_state=State.LEASED.value if record.taken_over else None,
        deliveries=[delivery_map(delivery) for delivery in record.deliveries] or None,
        write=write or None,
        links=record.links,
        loaded_at=record.loaded_at,
        clicked_at=record.clicked_at,
        recipient_key=recipient_partition(message.server_id, message.rcpt_to),
        flag_key=None if flag is None else flag_partition(message.server_id, message.scope, flag),
        due_key=None if due is None else f"DUE#{message.id % DUE_SHARDS}",
        due_at=due,
    )
    return item.serialize()


def older_delivery_item(server: ServerId, message: MessageId, delivery: Delivery) -> Item:
    """The item of a delivery that no longer fits beside its message."""
    return OlderDeliveryItem(
        pk=log_partition(server, message),
        sk=f"D#{delivery.id:010d}",
        delivery=delivery_map(delivery),
    ).serialize()


def delivery_map(delivery: Delivery) -> DeliveryMap:
    """One delivery as a compact map."""
    return DeliveryMap(  # type: ignore[no-untyped-call]  # as PynamoDB ships it
        id=delivery.id,
        status=STATUS_CODES[delivery.status],
        details=delivery.details or None,
        at=delivery.at,
        output=delivery.output,
        sent_with_ssl=delivery.sent_with_ssl or None,
        log_id=delivery.log_id,
        seconds=delivery.seconds,
        tls=delivery.tls,
        source=delivery.source,
        remote=delivery.remote,
        about_us=delivery.about_us or None,
    )


def key_of_record(item: Item) -> Key:
    """The primary key of an item, also of one read through an index."""
    return item["PK"]["S"], item["SK"]["S"]


def read_record(item: Item) -> MessageRecord:
    """The record of an item."""
    state = State(_text(item, "ss"))
    held = "h" in item
    hold_expires_at = item.get("hx")
    return MessageRecord(
        message=_read_message(item),
        status=_STATUSES[_text(item, "st")],
        state=state,
        attempt=_number(item, "a"),
        tries=_number(item, "tr"),
        lost_replies=_number(item, "lr"),
        lease_owner=_text(item, "lo"),
        lease_until=_number(item, "lu"),
        wake_at=_number(item, "w"),
        in_due_index=state is State.WAITING and "dk" in item,
        held=held,
        hold_expires_at=None if hold_expires_at is None else int(hold_expires_at["N"]),
        last_attempt_at=_moment(item, "la"),
        links=_number(item, "lk") if "lk" in item else None,
        loaded_at=_moment(item, "oa"),
        clicked_at=_moment(item, "ca"),
        taken_over=state is State.LEASED and item.get("ps") == {"S": State.LEASED.value},
        deliveries=tuple(read_delivery(one["M"]) for one in item.get("l", {}).get("L", ())),
    )


def read_delivery(fields: Item) -> Delivery:
    """The delivery of a compact map."""
    texts: dict[str, Any] = {
        name: fields[short]["S"] for short, name in _DELIVERY_TEXTS.items() if short in fields
    }
    texts.setdefault("details", "")
    seconds = fields.get("c")
    return Delivery(
        id=int(fields["i"]["N"]),
        status=_STATUSES[fields["s"]["S"]],
        at=float(fields["t"]["N"]),
        sent_with_ssl="e" in fields,
        about_us="u" in fields,
        seconds=None if seconds is None else float(seconds["N"]),
        **texts,
    )


def _read_message(item: Item) -> Message:
    server, scope = _text(item, "PK").split("#")[1:3]
    marks = _number(item, "b")
    dsn = item.get("y")
    flags = {name: bool(marks & bit) for name, bit in _MARKS.items()}
    fields: dict[str, Any] = {**flags}
    return Message(
        server_id=ServerId(int(server)),
        id=MessageId(int(_text(item, "SK"))),
        token=_text(item, "t"),
        scope=_SCOPES[scope],
        mail_from=_text(item, "f"),
        rcpt_to=_text(item, "r"),
        subject=_text(item, "j"),
        message_id=_text(item, "m"),
        received_at=float(item["ra"]["N"]),
        size=_number(item, "z"),
        blob=BlobRef(_text(item, "k"), _number(item, "ko"), _number(item, "kl")),
        pool=_text(item, "p"),
        domain=_text(item, "d"),
        credential_id=_text(item, "c"),
        tag=item["g"]["S"] if "g" in item else None,
        dsn=None if dsn is None else DsnParameters(*(one["S"] for one in dsn["L"])),
        **fields,
    )


def _text(item: Item, name: str) -> str:
    return str(item[name]["S"]) if name in item else ""


def _moment(item: Item, name: str) -> float | None:
    return float(item[name]["N"]) if name in item else None


def _number(item: Item, name: str) -> int:
    return int(item[name]["N"]) if name in item else 0
