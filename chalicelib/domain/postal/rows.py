"""Rows of Postal's databases, read by name: texts, numbers, moments and truths as we have them.

Times without a zone are UTC. What a column lacks is None, and so is an empty text, as in Postal.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from chalicelib.domain.ids import random_letters

Row = Mapping[str, Any]
ID_LETTERS = 12


def text(row: Row, name: str) -> str | None:
    """A text without blanks around it."""
    value = row.get(name)
    return str(value).strip() or None if value is not None else None


def number(row: Row, name: str) -> int | None:
    """A whole number; None for what is none."""
    with suppress(ValueError, TypeError, OverflowError):
        return int(row[name]) if row.get(name) is not None else None
    return None


def decimal(row: Row, name: str) -> float | None:
    """A number with a fraction; None for what is none."""
    with suppress(ValueError, TypeError, OverflowError):
        found = float(row[name]) if row.get(name) is not None else None
        return found if found is None or math.isfinite(found) else None
    return None


def mark(row: Row, name: str) -> bool:
    """A truth; what is not said is false."""
    return bool(row.get(name))


def moment(row: Row, name: str) -> int | None:
    """The second (epoch) of a time; None for what is none, as MariaDB's zero."""
    value = row.get(name)
    if value is None:
        return None
    if not isinstance(value, datetime):
        try:
            value = datetime.fromisoformat(str(value)[:40])
        except ValueError:
            return None
    return int((value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp())


def lines(row: Row, name: str) -> tuple[str, ...]:
    """The lines of a text that say something."""
    said = (one.strip() for one in str(row.get(name) or "").splitlines())
    return tuple(one for one in said if one)


def uuid_of(row: Row, table: str) -> str:
    """What tells the row from every other of its table, wherever it lies; one without a UUID is told by its number."""
    return text(row, "uuid") or f"{table}-{number(row, 'id')}"


def id_of(row: Row, table: str) -> str:
    """The id that what this row becomes has with us: the same each time it is asked for."""
    told = f"postal {table} {uuid_of(row, table)}".encode()
    return random_letters(hashlib.sha256(told).digest(), ID_LETTERS)
