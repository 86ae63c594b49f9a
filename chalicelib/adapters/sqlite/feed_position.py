"""How far the consumers of the feed have read, as mail.db keeps it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.adapters.sqlite.database import fetched

if TYPE_CHECKING:
    import apsw

CONSUMER = "outbox"
_POSITION = "SELECT seq FROM positions WHERE consumer = ?"


def position_of(db: apsw.Connection) -> int:
    """Up to which event every consumer has read."""
    rows = fetched(db, _POSITION, (CONSUMER,))
    return int(rows[0][0]) if rows else 0
