"""Records of the mail table's stream as changes of messages, new hits and reports, and what happened beside.

A record is what Lambda hands over: `eventName`, and under `dynamodb` keys, both images and a sequence number. Whatever
else is written to the table is not looked at; of a record that should be understood and is not, one log line tells the
number and nothing of the content. What a move brought was told where it happened, and is not told again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from chalicelib.adapters.aws.dynamo.engagement import HIT
from chalicelib.adapters.aws.dynamo.happenings import is_told_beside, read_beside
from chalicelib.adapters.aws.dynamo.records import MARK, read_mark, read_operation, read_record
from chalicelib.adapters.aws.dynamo.reports import is_report, read_report
from chalicelib.adapters.aws.dynamo.table import is_moved
from chalicelib.adapters.storage.beside import change_of
from chalicelib.adapters.storage.sequences import sortable
from chalicelib.domain.changes import (
    Change,
    HitAdded,
    Marked,
    MessageChange,
    Operated,
    Reported,
)
from chalicelib.domain.engagement import EngagementKind
from chalicelib.domain.errors import Rejected
from chalicelib.domain.model import MessageRecord
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.operations import Operation

logger = logging.getLogger("posthorn.outbox")

_Image = Mapping[str, Any]
_EVENT_KINDS = {"o": EngagementKind.OPEN, "c": EngagementKind.CLICK}
_EVENTS = frozenset({"INSERT", "MODIFY"})
# What reading a value of another shape raises; `Rejected` is what a wrong sequence number does.
_UNREADABLE = (KeyError, ValueError, TypeError, AttributeError, IndexError, OverflowError, Rejected)


def read_changes(records: Sequence[Mapping[str, Any]]) -> list[Change]:
    """The changes that concern anybody, in their order. Records of other things are left out, and those that cannot be
    read are logged and left out: nobody could do better with them later."""
    found: list[Change] = []
    for record in records:
        try:
            change = read_change(record)
            beside = _beside(change, record)
        except _UNREADABLE as error:
            fields = {"outcome": "unreadable", "error": type(error).__name__} | _number(record)
            logger.error("change cannot be read", extra={"fields": fields})
            continue
        found += [one for one in (change, *beside) if one is not None]
    return found


def read_change(record: Mapping[str, Any]) -> Change | None:
    """The change that a record tells of; None for one that is about something else. Raises what `_UNREADABLE` lists."""
    image, event = record["dynamodb"], record["eventName"]
    pk, sk = (str(image["Keys"][name]["S"]) for name in ("PK", "SK"))
    if event not in _EVENTS:
        return None
    read = _reader(pk, sk, event)
    if read is None or is_moved(image["NewImage"], image.get("OldImage")):
        return None
    return read(image)


def _reader(pk: str, sk: str, event: str) -> Callable[[_Image], Change] | None:
    """How an item of this key is read when this was done with it."""
    if _is_message(pk, sk):
        return _new_message if event == "INSERT" else _changed_message
    if is_told_beside(pk, sk):
        return _told_beside
    if event != "INSERT":
        return None
    if pk.startswith("T#") and sk.startswith(HIT):
        return _hit
    return _reported if is_report(pk, sk) else None


def _new_message(image: _Image) -> Change:
    return _message_change(image, None)


def _changed_message(image: _Image) -> Change:
    return _message_change(image, read_record(image["OldImage"]))


def _message_change(image: _Image, before: MessageRecord | None) -> Change:
    after = read_record(image["NewImage"])
    for moment in (after.message.received_at, *(one.at for one in after.deliveries)):
        _time(moment)
    operation = after.message.operation if before is None else _operation(image)
    return MessageChange(_sequence(image), before, after, operation)


def _operation(image: _Image) -> Operation | None:
    """What this change was made by, by hand."""
    found = read_operation(image["NewImage"])
    return None if found == read_operation(image["OldImage"]) else found


def _hit(image: _Image) -> Change:
    keys, new = image["Keys"], image["NewImage"]
    _, server, message = keys["PK"]["S"].split("#")
    return HitAdded(
        _sequence(image),
        ServerId(int(server)),
        _EVENT_KINDS[new["k"]["S"]],
        _time(new["t"]["N"]),
        MessageId(int(message)),
        keys["SK"]["S"].removeprefix(HIT),
    )


def _reported(image: _Image) -> Change:
    server = ServerId(int(image["Keys"]["PK"]["S"].split("#")[1]))
    return Reported(_sequence(image), server, read_report(image["NewImage"]))


def _told_beside(image: _Image) -> Change:
    told = read_beside(image["NewImage"])
    _time(told.at)
    return change_of(_sequence(image), told)


def _beside(change: Change | None, record: Mapping[str, Any]) -> list[Change]:
    """What was done by hand, told by a message that this made or with the change of one, and what its recipient did."""
    if not isinstance(change, MessageChange):
        return []
    message, image = change.after.message, record["dynamodb"]
    new, old = image["NewImage"], image.get("OldImage", {})
    found: list[Change] = []
    if change.operation is not None:
        found.append(Operated(change.sequence, message.server_id, message.id, change.operation))
    marked = read_mark(new)
    if marked is not None and new[MARK] != old.get(MARK):
        mark, at, detail = marked
        found.append(
            Marked(change.sequence, message.server_id, message.id, mark, _time(at), detail)
        )
    return found


def _is_message(pk: str, sk: str) -> bool:
    """Whether a key is that of a message: `S#<server>#<o|i>#<shard>` and a number."""
    parts = pk.split("#")
    return len(parts) == 4 and parts[0] == "S" and parts[2] in {"o", "i"} and sk.isdecimal()


def _sequence(image: Mapping[str, Any]) -> str:
    sequence = image["SequenceNumber"]
    sortable(sequence)
    return str(sequence)


def _time(value: Any) -> float:
    """Epoch seconds that fit into a slot's key."""
    at = float(value)
    if not 0 <= at < 10_000_000_000:
        raise ValueError("not a time")
    return at


def _number(record: Any) -> dict[str, str]:
    """The record's sequence number for the log, if it has one."""
    try:
        return {"sequence": str(record["dynamodb"]["SequenceNumber"])[:40]}
    except (KeyError, TypeError):
        return {}
