"""Databases of a state folder, read beside whoever serves it, and never written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

from chalicelib.adapters.sqlite.snapshot import SCHEMAS, opened_to_read, schema_of
from chalicelib.adapters.sqlite.stored_schema import check_schema

BUSY_MILLISECONDS = 1_000


def check_schemas(state: Path) -> None:
    """PermanentFailure when a newer release has written one of the databases that are there, or it cannot be read."""
    for name, schema in SCHEMAS.items():
        if (state / name).exists():
            with opened_to_read(state / name) as db:
                check_schema(schema_of(db), name, len(schema))


@contextmanager
def reading(path: Path) -> Iterator[apsw.Connection]:
    """A connection that reads alone; apsw.Error when it cannot."""
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        db.set_busy_timeout(BUSY_MILLISECONDS)
        yield db
    finally:
        db.close()
