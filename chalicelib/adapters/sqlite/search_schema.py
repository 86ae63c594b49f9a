"""search.db: the terms of messages, in an index of words beside what narrows a search down without one.

It is made of mail.db and can be lost: one that is missing, was written with other terms, is damaged, or was not told
what mail.db has told since, is begun anew, and `filling` says up to which message of each server it is still to be
told. `read` is the position in the feed up to which it was told; it is kept before mail.db keeps its own.

One that turns out to be damaged while it is used is removed and not written to any more, so that nothing else that is
told of mail waits for it; the next start makes it anew.

The index has no copy of the terms. What it was told of a message before, and what it is to forget, stays in it behind
a mark until its parts are merged, see `chalicelib.adapters.sqlite.search_merge`.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import apsw

from chalicelib.adapters.sqlite.database import Database, fetched
from chalicelib.adapters.sqlite.feed_position import position_of
from chalicelib.adapters.sqlite.folder import SEARCH, SEARCH_LOCK, StateFolder
from chalicelib.adapters.sqlite.gathering import Operation
from chalicelib.adapters.sqlite.mail_schema import ID_BITS, MailDatabase, key_of
from chalicelib.adapters.sqlite.stored_schema import BUSY_MILLISECONDS
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.numbering import ServerId

T = TypeVar("T")
LOG = logging.getLogger("posthorn.sqlite")
# Whoever changes terms or tables adds a version: what another wrote is not migrated, but made anew. `ascii` parts at
# blanks and what else of ASCII is not named, and nowhere else; `search_tokens` leaves nothing to part but the blanks
# between terms. `detail=none`: no positions, as every message that is found is judged.
VERSION_1 = """
CREATE VIRTUAL TABLE search USING fts5(
  terms, content='', contentless_delete=1, detail=none,
  tokenize="ascii tokenchars '!#$%&()*+,-./:;<=>?@[\\]^_`{|}~'");
/* What is in the index: `key` as in mail.db. */
CREATE TABLE told(
  key INTEGER PRIMARY KEY, version INTEGER NOT NULL, received_at REAL NOT NULL, size INTEGER NOT NULL);
/* When the first and the last message of a run of keys was received. */
CREATE TABLE spans(span INTEGER PRIMARY KEY, first REAL NOT NULL, last REAL NOT NULL);
/* What may not be told again: messages, and servers as the key of no message. */
CREATE TABLE forgotten(key INTEGER PRIMARY KEY, keep_until INTEGER NOT NULL);
CREATE INDEX forgotten_by_end ON forgotten(keep_until);
/* Servers whose messages below a key are not all in the index yet. */
CREATE TABLE filling(server INTEGER PRIMARY KEY, below INTEGER NOT NULL);
/* Parts of the index that have what was forgotten, until they are merged into others. */
CREATE TABLE merging(part TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE progress(name TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID;
"""
SEARCH_SCHEMA = (VERSION_1,)
READ = "read"
_NOTE = "INSERT OR REPLACE INTO progress VALUES (?, ?)"
_NOTED = "SELECT n FROM progress WHERE name = ?"
_FILL = "INSERT INTO filling VALUES (?, ?)"
_FIRST_FROM = "SELECT key FROM messages WHERE key >= ? ORDER BY key LIMIT 1"
_LAST_BELOW = "SELECT key FROM messages WHERE key < ? ORDER BY key DESC LIMIT 1"
# No statement of ours breaks a constraint here.
_DAMAGED = (apsw.CorruptError, apsw.NotADBError, apsw.ConstraintError)
_UNUSABLE = (*_DAMAGED, apsw.SQLError, apsw.FormatError)


class SearchDatabase(Database):
    """search.db of the state folder. `is_damaged`: it was given up, and is no more."""

    can_be_made_anew = True
    # Mail does not wait for it, and no transaction for long to have the log written back.
    lock_name = SEARCH_LOCK
    pages_in_log = 1_000
    is_damaged = False

    def __init__(self, folder: StateFolder, mail: MailDatabase) -> None:
        self._mail = mail
        path = folder.file(SEARCH)
        if path is not None:
            with alone(folder), folder.opening():
                if path.exists() and not mail.read(lambda db: is_usable(path, position_of(db))):
                    remove_database(path)
        super().__init__(folder, SEARCH, SEARCH_SCHEMA)

    async def write_if_sound(self, operation: Operation[T]) -> T | None:
        """What `write` gives; None when it is damaged."""
        if not self.is_damaged:
            try:
                return await self.write(operation)
            except TemporaryFailure as failure:
                if not isinstance(failure.__cause__, _DAMAGED):
                    raise
                self._give_up(failure.__cause__)
        return None

    def _give_up(self, error: BaseException) -> None:
        self.is_damaged = True
        LOG.critical(
            "search.db is damaged, the next start makes it anew",
            extra={"fields": {"error": str(error)}},
        )
        if self._path is not None:
            with alone(self._folder):
                remove_database(self._path)

    def _prepare(self, db: apsw.Connection) -> None:
        """Begin with everything that is there, if this is a new one."""
        if noted(db, READ) is not None:
            return
        position, ends = self._mail.read(lambda mail: (position_of(mail), list(_ends(mail))))
        with db:
            db.executemany(_FILL, ends).fetchall()
            note(db, READ, position)


@contextmanager
def alone(folder: StateFolder) -> Iterator[None]:
    """Alone among all who write search.db, other threads of this process included."""
    lock = folder.open_lock(SEARCH_LOCK)
    try:
        with folder.locked(lock):
            yield
    finally:
        if lock is not None:
            os.close(lock)


def noted(db: apsw.Connection, name: str) -> int | None:
    """The number that was noted under a name."""
    rows = fetched(db, _NOTED, (name,))
    return int(rows[0][0]) if rows else None


def note(db: apsw.Connection, name: str, number: int) -> None:
    """Note a number under a name."""
    fetched(db, _NOTE, (name, number))


def is_usable(path: Path, position: int) -> bool:
    """Whether a search.db was written with these terms, and told everything up to a position of the feed."""
    db = apsw.Connection(str(path))
    try:
        db.set_busy_timeout(BUSY_MILLISECONDS)
        ((version,),) = fetched(db, "PRAGMA user_version")
        if version != len(SEARCH_SCHEMA):
            return False
        read = noted(db, READ)
        return read is not None and read >= position
    except _UNUSABLE:
        return False
    finally:
        db.close()


def remove_database(path: Path) -> None:
    """Remove a database with what stands beside it, that first: alone it would be taken for the log of the next."""
    for name in (f"{path.name}-wal", f"{path.name}-shm", path.name):
        path.with_name(name).unlink(missing_ok=True)


def _ends(mail: apsw.Connection) -> Iterator[tuple[int, int]]:
    """Each server that has messages, and the key behind its last one."""
    after = 0
    while rows := fetched(mail, _FIRST_FROM, (after,)):
        server = rows[0][0] >> ID_BITS
        after = key_of(ServerId(server + 1), 0)
        ((last,),) = fetched(mail, _LAST_BELOW, (after,))
        yield server, last + 1
