"""The fields of a table of `chalicelib.domain.fields` as columns, both ways: a column has the field's full name.

What equals its default is NULL. Lists and objects are JSON.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Collection, Sequence
from operator import attrgetter, itemgetter
from typing import Any, Generic, TypeVar

from chalicelib.domain.fields import REQUIRED, Field, Kind, Table
from chalicelib.domain.json_values import parse_value, render_value
from chalicelib.domain.model import Scope, State, Status
from chalicelib.domain.operations import parse_operation, render_operation

T = TypeVar("T")
Form = Callable[[Any], Any]

_TYPES = {Kind.NUMBER: "INTEGER", Kind.TIME: "REAL", Kind.MARK: "INTEGER", Kind.BYTES: "BLOB"}
_READ: dict[Kind, Form] = {
    Kind.MARK: bool,
    # Calling an enumeration takes ten times as long.
    Kind.STATUS: {one.value: one for one in Status}.__getitem__,
    Kind.STATE: {one.value: one for one in State}.__getitem__,
    Kind.SCOPE: {one.value: one for one in Scope}.__getitem__,
    Kind.OPERATION: lambda stored: None if stored is None else parse_operation(stored),
    Kind.NUMBERS: lambda stored: () if stored is None else tuple(json.loads(stored)),
}
_WRITE: dict[Kind, Form] = {
    Kind.OPERATION: render_operation,
    Kind.NUMBERS: json.dumps,
    Kind.JSON: render_value,
}


class Columns(Generic[T]):
    """The fields of a table as values of a row, except those that are kept in another way. `names` are the columns, in
    the order in which the type of value takes its fields.

    Every message passes here several times, so a value is touched only where its column has a form of its own.
    """

    def __init__(self, table: Table[T], without: Collection[str] = ()) -> None:
        by_name = {one.name: one for one in table.fields if one.name not in without}
        columns: list[tuple[str, Field]] = []
        self._flat: list[tuple[slice, Callable[..., Any]]] = []
        for name in (one.name for one in dataclasses.fields(table.value)):  # type: ignore[arg-type]  # a dataclass
            field = by_name.get(name)
            if field is None:
                continue
            if field.kind is Kind.FLAT and field.table is not None:
                parts = [(f"{name}.{part.name}", part) for part in field.table.fields]
                # From the last to the first: each leaves one value in place of several.
                place = slice(len(columns), len(columns) + len(parts))
                self._flat.insert(0, (place, field.table.value))
                columns += parts
            else:
                columns.append((name, field))
        fields = [one for _, one in columns]
        self.names = tuple(one.name for one in fields)
        self._values = attrgetter(*(path for path, _ in columns))
        places = list(enumerate(fields))
        needed = [at for at, one in places if one.default is REQUIRED]
        self._needed: Form = itemgetter(*needed) if needed else _nothing
        # A default is nothing, nought, False or empty.
        self._empty = [at for at, one in places if one.default not in {None, REQUIRED}]
        self._writers = [(at, form) for at, one in places if (form := _writer(one))]
        self._readers = [(at, form) for at, one in places if (form := _reader(one))]

    def write(self, value: T) -> list[Any]:
        """The row of a value."""
        row = list(self._values(value))
        for at in self._empty:
            row[at] = row[at] or None
        for at, form in self._writers:
            if row[at] is not None:
                row[at] = form(row[at])
        return row

    def read(self, row: Sequence[Any]) -> list[Any]:
        """What a value is made of, in the order in which its type takes it. KeyError when a field without a default is
        missing, or is none of ours."""
        if None in self._needed(row):
            missing = dict(zip(self.names, row, strict=True))
            raise KeyError([name for name, one in missing.items() if one is None])
        values = list(row)
        for at, form in self._readers:
            values[at] = form(values[at])
        for place, kind in self._flat:
            values[place] = [kind(*values[place])]
        return values


def _nothing(_row: Sequence[Any]) -> tuple[Any, ...]:
    return ()


def declarations(table: Table[Any], without: Collection[str] = ()) -> list[str]:
    """The columns of a table as CREATE TABLE takes them."""
    found: list[str] = []
    for field in table.fields:
        if field.name in without:
            continue
        if field.kind is Kind.FLAT and field.table is not None:
            found += declarations(field.table)
            continue
        needed = " NOT NULL" if field.default is REQUIRED else ""
        found.append(f"{field.name} {_TYPES.get(field.kind, 'TEXT')}{needed}")
    return found


def _writer(field: Field) -> Form | None:
    # Enumerations are texts already.
    if field.table is None:
        return _WRITE.get(field.kind)
    parts = attrgetter(*(part.name for part in field.table.fields))
    return lambda value: json.dumps(parts(value))


def _reader(field: Field) -> Form | None:
    if (value := field.value) is not None:
        return lambda stored: None if stored is None else parse_value(value, stored)
    if field.table is not None:
        kind = field.table.value
        return lambda stored: None if stored is None else kind(*json.loads(stored))
    if field.kind in _READ or field.default in {None, REQUIRED}:
        return _READ.get(field.kind)
    return lambda stored: field.default if stored is None else stored
