"""Which schema a database has before anything is written to it: one of ours that this release knows, or none at all.

What another release, or another program, has written is refused while it is as it was. That holds for the databases of
a folder together: when one of them does not fit, the others are not brought to a newer schema either.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import apsw

from chalicelib.domain.errors import PermanentFailure

BUSY_MILLISECONDS = 10_000


def check_schema(version: int, name: str, known: int) -> None:
    """PermanentFailure when a database has the schema of a newer release than this one, which knows `known`, or one
    that no release has."""
    if version > known:
        raise PermanentFailure(
            f"{name} was written by a newer release (schema {version}, this one knows {known})"
        )
    if version < 0:
        raise PermanentFailure(f"{name} was written by no release (schema {version})")


def check_stored(path: Path, known: int) -> None:
    """As `check_schema`, of a file that may be missing or empty; and PermanentFailure for one that has tables and says
    no version. apsw.Error when it cannot be read."""
    if not path.exists() or not path.stat().st_size:
        return
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        db.set_busy_timeout(BUSY_MILLISECONDS)
        version = _number(db, "PRAGMA user_version")
        tables = _number(db, "SELECT count(*) FROM sqlite_schema")
    finally:
        db.close()
    check_schema(version, path.name, known)
    if tables and not version:
        raise PermanentFailure(
            f"{path.name} was written by no release: it has tables, but no schema"
        )


def _number(db: apsw.Connection, statement: str) -> int:
    rows: list[Any] = db.execute(statement).fetchall()
    return int(rows[0][0])


def check_beside(folder: Path, known: Mapping[str, int]) -> None:
    """`check_stored` of other databases of a folder by their names; what cannot be read is left to whoever opens it."""
    for name, newest in known.items():
        try:
            check_stored(folder / name, newest)
        except apsw.Error:
            continue
