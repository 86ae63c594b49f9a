"""The fields of a table of `chalicelib.domain.fields` as columns, both ways: a column has the field's full name.

What equals its default is NULL. Lists and objects are JSON.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

from chalicelib.domain.field_codec import Codec, Forms
from chalicelib.domain.fields import REQUIRED, Field, Kind, Table
from chalicelib.domain.model import Scope, State, Status

T = TypeVar("T")

_TYPES = {Kind.NUMBER: "INTEGER", Kind.TIME: "REAL", Kind.MARK: "INTEGER"}
_READ: dict[Kind, Callable[[Any], Any]] = {
    Kind.MARK: lambda stored: True,
    Kind.STATUS: Status,
    Kind.STATE: State,
    Kind.SCOPE: Scope,
}


def columns(table: Table[T], without: Collection[str] = ()) -> Codec[T]:
    """The fields of a table as values of a row by name, except those that are kept in another way."""
    return Codec(table, _FORMS, without)


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


def present(names: Collection[str], row: Collection[Any]) -> dict[str, Any]:
    """The values of a row that are not NULL, by name."""
    return {name: one for name, one in zip(names, row, strict=True) if one is not None}


def bindings(names: Collection[str], given: Mapping[str, Any]) -> dict[str, Any]:
    """A value for each name, NULL where there is none."""
    return {name: given.get(name) for name in names}


def _writer(field: Field) -> Callable[[Any], Any]:
    if field.table is not None:
        names = [part.name for part in field.table.fields]
        return lambda value: json.dumps([getattr(value, name) for name in names])
    if field.kind in (Kind.STATUS, Kind.STATE, Kind.SCOPE):
        return lambda value: value.value
    return int if field.kind is Kind.MARK else _as_it_is


def _reader(field: Field) -> Callable[[Any], Any]:
    if field.table is not None:
        kind = field.table.value
        return lambda stored: kind(*json.loads(stored))
    return _READ.get(field.kind, _as_it_is)


def _as_it_is(value: Any) -> Any:
    return value


_FORMS = Forms(lambda field: field.name, _writer, _reader)
