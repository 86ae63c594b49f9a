"""Databases of a state folder, read beside whoever serves it, and never written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

BUSY_MILLISECONDS = 1_000


@contextmanager
def reading(path: Path) -> Iterator[apsw.Connection]:
    """A connection that reads alone; apsw.Error when it cannot."""
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        db.set_busy_timeout(BUSY_MILLISECONDS)
        yield db
    finally:
        db.close()
