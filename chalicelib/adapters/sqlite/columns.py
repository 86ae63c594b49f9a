"""The fields of a table of `chalicelib.domain.fields` as columns, both ways: a column has the field's full name.

What equals its default is NULL. Lists and objects are JSON.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from operator import attrgetter
from typing import Any, Generic, TypeVar

from chalicelib.domain.fields import REQUIRED, Field, Kind, Table
from chalicelib.domain.model import Scope, State, Status

T = TypeVar("T")

_TYPES = {Kind.NUMBER: "INTEGER", Kind.TIME: "REAL", Kind.MARK: "INTEGER"}
_READ: dict[Kind, Callable[[Any], Any]] = {
    Kind.MARK: lambda stored: True,
    # Calling an enumeration takes ten times as long.
    Kind.STATUS: {one.value: one for one in Status}.__getitem__,
    Kind.STATE: {one.value: one for one in State}.__getitem__,
    Kind.SCOPE: {one.value: one for one in Scope}.__getitem__,
}


class Columns(Generic[T]):
    """The fields of a table as values of a row, in the order of `names`, except those that are kept in another way.

    Every message passes here several times, so a value is touched only where its column has a form of its own.
    """

    def __init__(self, table: Table[T], without: Collection[str] = ()) -> None:
        own = [one for one in table.fields if one.name not in without and one.kind is not Kind.FLAT]
        flat = [
            (one.name, one.table) for one in table.fields if one.kind is Kind.FLAT and one.table
        ]
        inner = [(f"{name}.{part.name}", part) for name, of in flat for part in of.fields]
        fields = [*own, *(part for _, part in inner)]
        self._own = tuple(one.name for one in own)
        self._flat: list[tuple[str, Callable[..., Any], tuple[str, ...], int]] = []
        start = len(own)
        for name, of in flat:
            self._flat.append((name, of.value, tuple(part.name for part in of.fields), start))
            start += len(of.fields)
        self.names = tuple(one.name for one in fields)
        self._values = attrgetter(*self._own, *(path for path, _ in inner))
        self._defaults = [one.default for one in fields]
        self._writers = [(at, form) for at, one in enumerate(fields) if (form := _writer(one))]
        self._readers = [(at, form) for at, one in enumerate(fields) if (form := _reader(one))]

    def write(self, value: T) -> list[Any]:
        """The row of a value."""
        pairs = zip(self._values(value), self._defaults, strict=True)
        row = [None if one == default else one for one, default in pairs]
        for at, form in self._writers:
            if row[at] is not None:
                row[at] = form(row[at])
        return row

    def fields(self, row: Sequence[Any]) -> dict[str, Any]:
        """What a value is made of, by name. KeyError when a field without a default is missing, or is none of ours."""
        pairs = zip(row, self._defaults, strict=True)
        values = [default if one is None else one for one, default in pairs]
        if REQUIRED in values:
            raise KeyError(self.names[values.index(REQUIRED)])
        for at, form in self._readers:
            if row[at] is not None:
                values[at] = form(row[at])
        found = dict(zip(self._own, values, strict=False))
        for name, value, names, start in self._flat:
            found[name] = value(**dict(zip(names, values[start:], strict=False)))
        return found


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


def _writer(field: Field) -> Callable[[Any], Any] | None:
    if field.table is not None:
        names = [part.name for part in field.table.fields]
        return lambda value: json.dumps([getattr(value, name) for name in names])
    if field.kind in (Kind.STATUS, Kind.STATE, Kind.SCOPE):
        return lambda value: value.value
    return int if field.kind is Kind.MARK else None


def _reader(field: Field) -> Callable[[Any], Any] | None:
    if field.table is not None:
        kind = field.table.value
        return lambda stored: kind(*json.loads(stored))
    return _READ.get(field.kind)
