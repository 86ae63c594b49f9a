"""The fields of a table of `chalicelib.domain.fields` as attributes of an item, both ways.

A time and a number are an `N`, a mark a `BOOL` that is true or absent, a status one letter. What is stored is
tested against PynamoDB models; writing it by hand takes a tenth of their time. Names that the table lacks are not read.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Collection
from typing import Any, TypeVar

from chalicelib.domain.field_codec import Codec, Forms
from chalicelib.domain.fields import Field, Kind, Table
from chalicelib.domain.json_values import parse_value, render_value
from chalicelib.domain.model import State, Status
from chalicelib.domain.operations import parse_operation, render_operation

T = TypeVar("T")
Attribute = dict[str, Any]

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

_WRITE: dict[Kind, Callable[[Any], Attribute]] = {
    Kind.TEXT: lambda value: {"S": value},
    Kind.NUMBER: lambda value: {"N": repr(value)},
    Kind.TIME: lambda value: {"N": repr(value)},
    Kind.MARK: lambda value: {"BOOL": True},
    Kind.STATUS: lambda value: {"S": STATUS_CODES[value]},
    Kind.STATE: lambda value: {"S": value.value},
    Kind.OPERATION: lambda value: {"S": render_operation(value)},
    Kind.JSON: lambda value: {"S": render_value(value)},
    Kind.BYTES: lambda value: {"B": value},
    Kind.NUMBERS: lambda value: {"L": [{"N": repr(one)} for one in value]},
}
_READ: dict[Kind, Callable[[Attribute], Any]] = {
    Kind.TEXT: lambda stored: stored["S"],
    Kind.NUMBER: lambda stored: int(stored["N"]),
    Kind.TIME: lambda stored: float(stored["N"]),
    Kind.MARK: lambda stored: True,
    Kind.STATUS: lambda stored: _STATUSES[stored["S"]],
    Kind.STATE: lambda stored: State(stored["S"]),
    Kind.OPERATION: lambda stored: parse_operation(stored["S"]),
    Kind.BYTES: lambda stored: _bytes(stored["B"]),
    Kind.NUMBERS: lambda stored: tuple(int(one["N"]) for one in stored["L"]),
}


def _bytes(stored: bytes | str) -> bytes:
    """As a client reads them, or as they stand in the JSON of a stream."""
    return b64decode(stored) if isinstance(stored, str) else bytes(stored)


def _reader(field: Field) -> Callable[[Attribute], Any]:
    kind = field.value
    if kind is None:
        return _READ[field.kind]
    return lambda stored: parse_value(kind, stored["S"])


_FORMS = Forms(lambda field: field.item_name, lambda field: _WRITE[field.kind], _reader)


def columns(table: Table[T], without: Collection[str] = ()) -> Codec[T]:
    """The fields of a table as attributes, except those that an item keeps in a way of its own."""
    return Codec(table, _FORMS, without)
