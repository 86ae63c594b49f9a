"""Records of the mail table's stream as changes of messages and new hits.

A record is what Lambda hands over: `eventName`, and under `dynamodb` keys, both images and a sequence number. Whatever
else is written to the table is not looked at; of a record that should be understood and is not, one log line tells the
number and nothing of the content. What a move brought was told where it happened, and is not told again.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.adapters.aws.dynamo.records import read_operation, read_record
from chalicelib.adapters.aws.dynamo.table import is_moved
from chalicelib.adapters.storage.sequences import sortable
from chalicelib.domain.changes import Change, HitAdded, MessageChange, Operated
from chalicelib.domain.engagement import EngagementKind
from chalicelib.domain.errors import Rejected
from chalicelib.domain.numbering import ServerId

logger = logging.getLogger("posthorn.outbox")

_HIT = "E#"
_EVENT_KINDS = {"o": EngagementKind.OPEN, "c": EngagementKind.CLICK}
_MESSAGE_EVENTS = frozenset({"INSERT", "MODIFY"})
# What reading a value of another shape raises; `Rejected` is what a wrong sequence number does.
_UNREADABLE = (KeyError, ValueError, TypeError, AttributeError, IndexError, OverflowError, Rejected)


def read_changes(records: Sequence[Mapping[str, Any]]) -> list[Change]:
    """The changes that concern anybody, in their order. Records of other things are left out, and those that cannot be
    read are logged and left out: nobody could do better with them later."""
    found: list[Change] = []
    for record in records:
        try:
            change = read_change(record)
            operated = _operated(change, record)
        except _UNREADABLE as error:
            fields = {"outcome": "unreadable", "error": type(error).__name__} | _number(record)
            logger.error("change cannot be read", extra={"fields": fields})
            continue
        found += [one for one in (change, operated) if one is not None]
    return found


def read_change(record: Mapping[str, Any]) -> Change | None:
    """The change that a record tells of; None for one that is about something else. Raises what `_UNREADABLE` lists."""
    image = record["dynamodb"]
    pk, sk = (str(image["Keys"][name]["S"]) for name in ("PK", "SK"))
    event = record["eventName"]
    is_hit = pk.startswith("T#") and sk.startswith(_HIT) and event == "INSERT"
    if not is_hit and not (_is_message(pk, sk) and event in _MESSAGE_EVENTS):
        return None
    new = image["NewImage"]
    if is_moved(new, image.get("OldImage")):
        return None
    if is_hit:
        server, at = ServerId(int(pk.split("#")[1])), _time(new["t"]["N"])
        return HitAdded(_sequence(image), server, _EVENT_KINDS[new["k"]["S"]], at)
    before = read_record(image["OldImage"]) if event == "MODIFY" else None
    after = read_record(new)
    for moment in (after.message.received_at, *(one.at for one in after.deliveries)):
        _time(moment)
    return MessageChange(_sequence(image), before, after)


def _operated(change: Change | None, record: Mapping[str, Any]) -> Operated | None:
    """What was done by hand, told by a message that this made, or with the change of one."""
    if not isinstance(change, MessageChange):
        return None
    message, image = change.after.message, record["dynamodb"]
    operation = message.operation if change.before is None else read_operation(image["NewImage"])
    if operation is None or operation == read_operation(image.get("OldImage", {})):
        return None
    return Operated(change.sequence, message.server_id, message.id, operation)


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
