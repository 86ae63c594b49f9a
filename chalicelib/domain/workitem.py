"""The text of a wake-up as it lies in a queue: compact JSON, about 600 bytes for an ordinary message.

`parse_work_item(render_work_item(item)) == item` for every item. Parsing takes any text: what is not exactly such a
JSON object raises `Rejected`, in time linear in its length and bounded by `LONGEST`. Unknown names are refused, because
a wake-up that an older function half understands must stay in the queue for a newer one.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields as dataclass_fields
from typing import Any

from chalicelib.domain.errors import Rejected
from chalicelib.domain.model import (
    BlobRef,
    Delivery,
    DsnParameters,
    Message,
    MessageId,
    Scope,
    Settlement,
    State,
    Status,
    WorkItem,
)
from chalicelib.domain.tenancy import ServerId

LONGEST = 65_536

_TEXTS = {
    "t": "token",
    "f": "mail_from",
    "r": "rcpt_to",
    "j": "subject",
    "m": "message_id",
    "p": "pool",
    "d": "domain",
    "c": "credential_id",
}
_MARKS = {"b": "bounce", "h": "hold", "l": "received_with_ssl", "u": "smtputf8"}
_KNOWN = frozenset({*_TEXTS, *_MARKS, "s", "i", "o", "a", "x", "z", "k", "g", "n", "w", "y"})
_HIGHEST = 2**63 - 1


def render_work_item(item: WorkItem) -> str:
    """The JSON text of a wake-up."""
    message = item.message
    blob = message.blob
    fields: dict[str, Any] = {
        "s": message.server_id,
        "i": message.id,
        "o": message.scope.value[0],
        "a": item.attempt,
        "x": message.received_at,
        "z": message.size,
        "k": [blob.key, blob.offset, blob.length],
    }
    fields.update({short: getattr(message, name) for short, name in _TEXTS.items()})
    fields.update({short: 1 for short, name in _MARKS.items() if getattr(message, name)})
    if message.tag is not None:
        fields["g"] = message.tag
    if message.dsn is not None:
        dsn = message.dsn
        fields["n"] = [dsn.notify, dsn.orcpt, dsn.ret, dsn.envid]
    if item.manual:
        fields["w"] = 1
    if item.settlement is not None:
        fields["y"] = _rendered(item.settlement)
    return json.dumps(fields, separators=(",", ":"), ensure_ascii=True)


def parse_work_item(text: str) -> WorkItem:
    """The wake-up of a JSON text; Rejected for anything else."""
    try:
        if len(text) > LONGEST:
            raise ValueError("too long")
        fields = json.loads(text, parse_constant=_refuse)
        if not isinstance(fields, dict) or not fields.keys() <= _KNOWN:
            raise ValueError("not a work item")
        attempt = _number(fields["a"])
        settlement = _settlement(fields.get("y"))
        return WorkItem(_message(fields), attempt, _mark(fields, "w"), settlement)
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise Rejected("This is not a work item") from error


def _message(fields: dict[str, Any]) -> Message:
    key, offset, length = _list(fields["k"], 3)
    plain: dict[str, Any] = {name: _text(fields[short]) for short, name in _TEXTS.items()}
    plain.update({name: _mark(fields, short) for short, name in _MARKS.items()})
    tag = fields.get("g")
    return Message(
        server_id=ServerId(_number(fields["s"])),
        id=MessageId(_number(fields["i"])),
        scope=_SCOPES[fields["o"]],
        received_at=_time(fields["x"]),
        size=_number(fields["z"]),
        blob=BlobRef(_text(key), _number(offset), _number(length)),
        tag=None if tag is None else _text(tag),
        dsn=_dsn(fields.get("n")),
        **plain,
    )


def _rendered(settlement: Settlement | Delivery) -> list[Any]:
    """Its fields in their order; those of the delivery as a list of their own."""
    return [
        _rendered(value) if isinstance(value, Delivery) else value
        for value in (getattr(settlement, field.name) for field in dataclass_fields(settlement))
    ]


def _settlement(value: Any) -> Settlement | None:
    if value is None:
        return None
    # What an older function wrote ends before the last value.
    owner, state, tries, wake_at, in_due_index, expires, delivery, *lost = _list(value, 7, 8)
    return Settlement(
        owner=_text(owner),
        state=State(state),
        tries=_number(tries),
        wake_at=_number(wake_at),
        in_due_index=_truth(in_due_index),
        hold_expires_at=_optional(_number, expires),
        delivery=_delivery(_list(delivery, 11, 12)),
        lost_replies=_number(lost[0]) if lost else 0,
    )


def _delivery(values: list[Any]) -> Delivery:
    number, status, details, at, output, with_ssl, log_id, seconds, *rest = values
    tls, source, remote = (_optional(_text, value) for value in rest[:3])
    return Delivery(
        id=_number(number),
        status=Status(status),
        details=_text(details),
        at=_time(at),
        output=_optional(_text, output),
        sent_with_ssl=_truth(with_ssl),
        log_id=_optional(_text, log_id),
        seconds=_optional(_time, seconds),
        tls=tls,
        source=source,
        remote=remote,
        about_us=_truth(rest[3]) if rest[3:] else False,
    )


def _optional(read: Callable[[Any], Any], value: Any) -> Any:
    return None if value is None else read(value)


_SCOPES = {scope.value[0]: scope for scope in Scope}


def _dsn(value: Any) -> DsnParameters | None:
    return None if value is None else DsnParameters(*map(_text, _list(value, 4)))


def _checked(kind: type, allowed: Callable[[Any], bool]) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if type(value) is not kind or not allowed(value):
            raise ValueError("a field of another kind")
        return value

    return check


_number: Callable[[Any], int] = _checked(int, lambda value: 0 <= value <= _HIGHEST)
_text: Callable[[Any], str] = _checked(str, lambda value: True)
_truth: Callable[[Any], bool] = _checked(bool, lambda value: True)


def _list(value: Any, *lengths: int) -> list[Any]:
    if type(value) is not list or len(value) not in lengths:
        raise ValueError("a list of another length")
    return value


def _time(value: Any) -> float:
    if type(value) not in (float, int) or not 0 <= value < _HIGHEST:
        raise ValueError("not a time")
    return float(value)


def _mark(fields: dict[str, Any], short: str) -> bool:
    if short in fields and (type(fields[short]) is not int or fields[short] != 1):
        raise ValueError("a mark is 1 or absent")
    return short in fields


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not a number")
