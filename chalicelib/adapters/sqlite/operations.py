"""What was done with messages by hand or by their recipients, in mail.db: told to consumers, and noted where a message
was resent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from chalicelib.adapters.sqlite.database import fetched
from chalicelib.domain.changes import Mark
from chalicelib.domain.operations import Operation, render_operation

if TYPE_CHECKING:
    import apsw

_OPERATED = "INSERT INTO events(key, kind, at, operation) VALUES (?, 'operation', ?, ?)"
_MARKED = "INSERT INTO events(key, kind, at, detail) VALUES (?, 'mark', ?, ?)"
_RESENT = "SELECT resent_as FROM messages WHERE key = ?"
_NOTE_RESENT = "UPDATE messages SET resent_as = ? WHERE key = ?"


def tell(db: apsw.Connection, key: int, operation: Operation) -> None:
    """Tell consumers of an operation in this transaction; the key is that of the message it is stored with."""
    db.execute(_OPERATED, (key, operation.at, render_operation(operation)))


def tell_mark(db: apsw.Connection, key: int, mark: Mark, at: float, detail: str) -> None:
    """Tell consumers of a mark in this transaction."""
    db.execute(_MARKED, (key, at, json.dumps([mark.value, detail])))


def note_resent(db: apsw.Connection, key: int, resent_as: int) -> None:
    """Add to the list of a message, unless it has it."""
    for (text,) in fetched(db, _RESENT, (key,)):
        known = json.loads(text or "[]")
        if resent_as not in known:
            fetched(db, _NOTE_RESENT, (json.dumps([*known, resent_as]), key))
