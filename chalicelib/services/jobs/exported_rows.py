"""Rows of exports: an object of the API as a row of CSV and as a line of JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from chalicelib.domain.csv_rows import rendered
from chalicelib.domain.tenancy.told_fields import time_text

PART = 1_000
Found = tuple[Sequence[str], str | None]
Row = tuple[str, str]
"""A row as CSV has it, and as a line of JSON."""


def row(told: Mapping[str, Any], columns: Sequence[str]) -> Row:
    """An object in both forms."""
    return rendered([_cell(told[name]) for name in columns]), line(told)


def line(told: Mapping[str, Any]) -> str:
    """An object as a line of JSON."""
    return json.dumps(told, ensure_ascii=False) + "\n"


def _cell(value: Any) -> str:
    """Objects and lists as JSON, nothing as an empty cell."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def moment(text: str | None) -> float | None:
    """A time of a filter as epoch seconds."""
    return None if text is None else datetime.fromisoformat(text).timestamp()


def text_of(text: str | None) -> str | None:
    """A time of a filter as entries have it."""
    at = moment(text)
    return None if at is None else time_text(at)
