"""The text of a wake-up as it lies in a queue: compact JSON, about 600 bytes for an ordinary message.

`parse_job(render_job(job)) == job` for every job. Parsing takes any text: what is not such a JSON object
raises `Rejected`, in time linear in its length and bounded by `LONGEST`. Names that the field table lacks come from a
newer release and are kept out, unless the text lists them under `must`: then it is refused, and so is one of a `kind`
that is not a delivery. A refused text stays in the queue for a newer function (ADR 33).
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any, TypeVar

from chalicelib.domain.errors import Rejected
from chalicelib.domain.field_codec import Codec, Form, Forms
from chalicelib.domain.fields import DELIVERY, JOB, OUTCOME, Field, Kind, Table
from chalicelib.domain.json_values import parse_value, render_value
from chalicelib.domain.model import DeliveryJob, Scope, State, Status
from chalicelib.domain.operations import parse_operation, render_operation

LONGEST = 65_536
T = TypeVar("T")

_HIGHEST = 2**63 - 1
_KIND, _DELIVERY_KIND = "kind", "delivery"
_MUST = "must"
# The order, and the lengths, that outcomes and deliveries had as lists.
_LISTS = {
    OUTCOME.value: (("lo", "ss", "tr", "w", "sw", "hx", "d", "lr"), (7, 8)),
    DELIVERY.value: (("i", "s", "d", "t", "o", "e", "g", "c", "y", "b", "m", "u"), (11, 12)),
}


def render_job(job: DeliveryJob) -> str:
    """The JSON text of a wake-up."""
    return json.dumps(_JOB.write(job), separators=(",", ":"), ensure_ascii=True)


def parse_job(text: str) -> DeliveryJob:
    """The wake-up of a JSON text; Rejected for anything else."""
    try:
        if len(text) > LONGEST:
            raise ValueError("too long")
        given = json.loads(text, parse_constant=_refuse)
        if not isinstance(given, dict) or given.get(_KIND, _DELIVERY_KIND) != _DELIVERY_KIND:
            raise ValueError("not a job")
        return _read(_JOB, given)
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise Rejected("This is not a job") from error


def _read(codec: Codec[T], given: Mapping[str, Any]) -> T:
    """The value of an object, if all that it says must be understood is."""
    if _MUST in given and not codec.names.issuperset(_list(given[_MUST])):
        raise ValueError("a field that must be understood and is not known")
    return codec.read(given)


def _list_form(table: Table[Any]) -> Form:
    names = [field.short for field in table.fields]
    codec = Codec(table, _FORMS)
    return lambda value: codec.read(dict(zip(names, _list(value, len(names)), strict=True)))


def _object_form(table: Table[Any]) -> Form:
    codec = Codec(table, _FORMS)
    return lambda value: _read(codec, value if isinstance(value, dict) else _named(table, value))


def _named(table: Table[Any], value: Any) -> dict[str, Any]:
    """The fields of what was written as a list, by name."""
    names, lengths = _LISTS[table.value]
    pairs = zip(names, _list(value, *lengths), strict=False)
    given = {name: one for name, one in pairs if one is not None and one is not False}
    return {name: 1 if one is True else one for name, one in given.items()}


def _writer(field: Field) -> Form:
    if field.table is None:
        return _TO_JSON.get(field.kind, _as_it_is)
    if field.kind is Kind.OBJECT:
        return Codec(field.table, _FORMS).write
    names = [part.name for part in field.table.fields]
    return lambda value: [getattr(value, name) for name in names]


def _reader(field: Field) -> Form:
    if field.value is not None:
        kind = field.value
        return lambda value: parse_value(kind, _text(value))
    if field.table is None:
        return _FROM_JSON[field.kind]
    return (_object_form if field.kind is Kind.OBJECT else _list_form)(field.table)


def _as_it_is(value: Any) -> Any:
    return value


def _number(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= _HIGHEST:
        raise ValueError("not a number")
    return value


def _text(value: Any) -> str:
    if type(value) is not str:
        raise ValueError("not a text")
    return value


def _list(value: Any, *lengths: int) -> list[Any]:
    if type(value) is not list or (lengths and len(value) not in lengths):
        raise ValueError("not a list, or one of another length")
    return value


def _time(value: Any) -> float:
    if type(value) not in (float, int) or not 0 <= value < _HIGHEST:
        raise ValueError("not a time")
    return float(value)


def _mark(value: Any) -> bool:
    if type(value) is not int or value != 1:
        raise ValueError("a mark is 1 or absent")
    return True


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not a number")


_SCOPES = {scope.value[0]: scope for scope in Scope}
_TO_JSON: dict[Kind, Form] = {
    Kind.MARK: int,
    Kind.SCOPE: lambda scope: scope.value[0],
    Kind.OPERATION: render_operation,
    Kind.JSON: render_value,
    Kind.BYTES: lambda value: b64encode(value).decode(),
}
_FROM_JSON: dict[Kind, Form] = {
    Kind.TEXT: _text,
    Kind.NUMBER: _number,
    Kind.TIME: _time,
    Kind.MARK: _mark,
    Kind.BYTES: lambda value: b64decode(_text(value), validate=True),
    Kind.STATUS: Status,
    Kind.STATE: State,
    Kind.SCOPE: _SCOPES.__getitem__,
    Kind.OPERATION: parse_operation,
}
_FORMS = Forms(lambda field: field.short, _writer, _reader)
_JOB = Codec(JOB, _FORMS)
