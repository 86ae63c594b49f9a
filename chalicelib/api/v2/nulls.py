"""Null in the body of a v2 request: a field that may be left out is left out by it, whatever its type.

Libraries write null for what their caller did not set. What is required, or unknown, is for its declaration to judge.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

_ABOUT_A_FIELD = ("title", "description", "default", "examples")


def without_nulls(value: Any, optional: Collection[str]) -> Any:
    """An object without the nulls of optional fields; anything else as it is."""
    if not isinstance(value, dict):
        return value
    absent = {name for name in optional if value.get(name, "") is None}
    return {name: one for name, one in value.items() if name not in absent} if absent else value


def or_null(field: dict[str, Any]) -> dict[str, Any]:
    """The JSON schema of a field that may be null too."""
    about = {name: value for name, value in field.items() if name in _ABOUT_A_FIELD}
    own = {name: value for name, value in field.items() if name not in _ABOUT_A_FIELD}
    options = own.get("anyOf", [own])
    if {"type": "null"} not in options:
        options = [*options, {"type": "null"}]
    return {"anyOf": options, **about}
