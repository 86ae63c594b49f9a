"""The SQLite family over the standard library's `sqlite3` in place of apsw, to compare the two with all else equal.

Only what a message's cycle needs is there, and errors are sqlite3's own. The state folder must have been made by the
family: nothing is migrated here.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from chalicelib.adapters.sqlite.database import _PRAGMAS
from chalicelib.adapters.sqlite.mail_schema import MailDatabase


class Connection:
    """A connection of sqlite3 that answers as one of apsw does."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        for pragma in _PRAGMAS:
            self._db.execute(f"PRAGMA {pragma}").fetchall()

    def execute(self, statement: str, bindings: Any = None) -> sqlite3.Cursor:
        """Run one statement."""
        return self._db.execute(statement, () if bindings is None else bindings)

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]]) -> sqlite3.Cursor:
        """Run one statement for each row."""
        return self._db.executemany(statement, rows)

    def changes(self) -> int:
        """How many rows the last statement changed."""
        return int(self._db.execute("SELECT changes()").fetchone()[0])

    def total_changes(self) -> int:
        """How many rows were changed so far."""
        return self._db.total_changes

    @property
    def in_transaction(self) -> bool:
        """Whether one is open."""
        return self._db.in_transaction


class StdlibMailDatabase(MailDatabase):
    """mail.db over sqlite3."""

    def _opened(self, path: Path) -> Any:
        return Connection(path)

    def read(self, operation: Any) -> Any:
        """What the operation returns."""
        if not hasattr(self._readers, "connection"):
            self._readers.connection = Connection(path) if (path := self._path) else self._writer
        return operation(self._readers.connection)
