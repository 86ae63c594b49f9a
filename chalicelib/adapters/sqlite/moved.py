"""A state folder that was filled from elsewhere, made ready to be put in its place."""

from __future__ import annotations

from pathlib import Path

import apsw

from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.feed_position import CONSUMER
from chalicelib.adapters.sqlite.folder import CONTROL, MAIL
from chalicelib.adapters.sqlite.stored_schema import BUSY_MILLISECONDS

_READ_ALL = "INSERT OR REPLACE INTO positions SELECT ?, coalesce(max(seq), 0) FROM events"


def make_whole(folder: Path) -> None:
    """Have each database in its one file. What was brought was counted where it came from, and is not counted again."""
    for name in (CONTROL, MAIL):
        db = apsw.Connection(str(folder / name))
        db.set_busy_timeout(BUSY_MILLISECONDS)
        if name == MAIL:
            fetched(db, _READ_ALL, (CONSUMER,))
        fetched(db, "PRAGMA wal_checkpoint(TRUNCATE)")
        db.close()
