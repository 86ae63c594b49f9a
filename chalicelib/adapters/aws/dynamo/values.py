"""Configuration values as attribute maps: each field under its own name, so that the console shows what is configured.

`parse_value(kind, render_value(value)) == value` for the frozen dataclasses of `chalicelib.domain.model`. Fields
that are None are left out, and a field that a stored value lacks takes its default: new ones need no migration.
"""

from __future__ import annotations

import dataclasses
import types
from enum import Enum
from functools import lru_cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

_T = TypeVar("_T")
Attribute = dict[str, Any]


def render_value(value: Any) -> Attribute:
    """A dataclass value as the attribute map `{"M": …}`."""
    fields = ((field.name, getattr(value, field.name)) for field in dataclasses.fields(value))
    return {"M": {name: render_field(one) for name, one in fields if one is not None}}


def parse_value(kind: type[_T], attribute: Attribute) -> _T:
    """The dataclass value of an attribute map. Names that the dataclass lacks are ignored."""
    declared: Any = kind
    hints = _hints(declared)
    stored = attribute["M"]
    fields = {name: _parse(hint, stored[name]) for name, hint in hints.items() if name in stored}
    needed = {name: None for name in _without_default(declared) if name not in fields}
    return kind(**needed, **fields)


def render_field(value: Any) -> Attribute:
    """One value that is not None."""
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, Enum):
        return {"S": value.value}
    if isinstance(value, str):
        return {"S": value}
    if isinstance(value, int | float):
        return {"N": repr(value)}
    if isinstance(value, bytes):
        return {"B": value}
    if isinstance(value, tuple):
        return {"L": [render_field(one) for one in value]}
    return render_value(value)


def _parse(hint: Any, attribute: Attribute) -> Any:
    ((_, value),) = attribute.items()
    hint = _bare(hint)
    if get_origin(hint) is tuple:
        return tuple(_parse(get_args(hint)[0], one) for one in value)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return parse_value(hint, attribute)
    return hint(value)


def _bare(hint: Any) -> Any:
    """The type behind `X | None` and `NewType`."""
    if get_origin(hint) in (Union, types.UnionType):
        (hint,) = (one for one in get_args(hint) if one is not type(None))
    return getattr(hint, "__supertype__", hint)


@lru_cache
def _without_default(kind: Any) -> tuple[str, ...]:
    missing = dataclasses.MISSING
    fields = (one for one in dataclasses.fields(kind) if one.default is missing)
    return tuple(one.name for one in fields if one.default_factory is missing)


@lru_cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)
