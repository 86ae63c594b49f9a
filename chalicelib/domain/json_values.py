"""Frozen dataclasses as JSON: each field under its own name. What is None is left out, bytes are `{"b": base64}`.

`parse_value(kind, render_value(value)) == value` for those of the configuration and for what hangs on a message. A
field that a stored value lacks takes its default, and names that the dataclass lacks are ignored: new ones need no
migration.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import types
from enum import Enum
from functools import lru_cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


def render_value(value: Any) -> str:
    """A dataclass value as JSON."""
    return json.dumps(_rendered(value), separators=(",", ":"), ensure_ascii=False)


def parse_value(kind: type[T], text: str) -> T:
    """The dataclass value of a JSON text."""
    found: T = _parsed(kind, json.loads(text))
    return found


def _rendered(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, bytes):
        return {"b": base64.b64encode(value).decode()}
    if isinstance(value, tuple):
        return [_rendered(one) for one in value]
    if dataclasses.is_dataclass(value):
        fields = ((one.name, getattr(value, one.name)) for one in dataclasses.fields(value))
        return {name: _rendered(one) for name, one in fields if one is not None}
    return value


def _parsed(hint: Any, stored: Any) -> Any:
    if get_origin(hint) in (Union, types.UnionType):
        (hint,) = (one for one in get_args(hint) if one is not type(None))
    hint = getattr(hint, "__supertype__", hint)
    if get_origin(hint) is tuple:
        return tuple(_parsed(get_args(hint)[0], one) for one in stored)
    if hint is bytes:
        return base64.b64decode(stored["b"])
    return _made(hint, stored) if dataclasses.is_dataclass(hint) else hint(stored)


def _made(kind: Any, stored: Any) -> Any:
    """A dataclass value; a field without a default that is not there was None."""
    missing = dataclasses.MISSING
    needed = {
        one.name: None
        for one in dataclasses.fields(kind)
        if one.default is missing and one.default_factory is missing
    }
    hints = _hints(kind).items()
    return kind(
        **needed | {name: _parsed(one, stored[name]) for name, one in hints if name in stored}
    )


@lru_cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)
