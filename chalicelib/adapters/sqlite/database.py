"""One SQLite database: reads on the caller's thread, writes gathered into transactions by a thread of its own.

A write is an operation: a function of the connection that changes the database and nothing else, so that it may run
again. `write` returns once it is durable (`synchronous=FULL`). All operations that wait run in one transaction; when
one raises, each is run again in a transaction of its own, and only the guilty one gets its error. In memory there is
neither thread nor lock: an operation runs at once in its caller.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import apsw

from chalicelib.adapters.sqlite.folder import LOCK, FlushFailed, StateFolder
from chalicelib.adapters.sqlite.gathering import (
    Answer,
    Ended,
    Gathering,
    Operation,
    Waiting,
    answer,
)
from chalicelib.adapters.sqlite.stored_schema import (
    BUSY_MILLISECONDS,
    check_beside,
    check_schema,
    check_stored,
)
from chalicelib.domain.errors import OutOfSpace, PermanentFailure, TemporaryFailure

T = TypeVar("T")
LOG = logging.getLogger("posthorn.sqlite")

# The versions from 3.7.0 on before these lose commits when two connections write and checkpoint.
OLDEST_SQLITE = 3_051_003
# What a failed flush of SQLite's files and of their folder is.
UNKNOWN_STATE = (apsw.SQLITE_IOERR_FSYNC, apsw.SQLITE_IOERR_DIR_FSYNC)
FULL = "There is no room to store anything more, try again later"
AWAY = "The store cannot be written to at the moment, try again later"
# The busy time-out is set first: going over to WAL answers "busy" at once when processes start together.
_PRAGMAS = (
    "page_size=4096",
    "auto_vacuum=INCREMENTAL",
    "journal_mode=WAL",
    "synchronous=FULL",
    "cache_size=-65536",
    "temp_store=MEMORY",
    "secure_delete=ON",
    "trusted_schema=OFF",
)

_empty: dict[tuple[str, ...], apsw.Connection] = {}
_copying = threading.Lock()


class Database:
    """A database of the state folder. `schema` has the statements of each version from 1 on.

    It counts what this process did since its start: `operations`, `transactions`, and of these the `syncs`, which
    changed something and were made durable.
    """

    can_be_made_anew = False
    # The other databases of the folder, with the newest schema that this release knows of each.
    beside: ClassVar[Mapping[str, int]] = {}
    lock_name = LOCK
    pages_in_log = 4_000

    def __init__(self, folder: StateFolder, name: str, schema: Sequence[str]) -> None:
        check_version()
        self._folder = folder
        self._path = folder.file(name)
        self._lock = folder.open_lock(self.lock_name)
        self._before_commit: list[Callable[[], None]] = []
        self._gathering = Gathering()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._readers = threading.local()
        self.operations = self.transactions = self.syncs = 0
        if self._path is None:
            self._writer = _in_memory(name, tuple(schema))
            return
        with folder.locked(self._lock), folder.opening():
            is_there = self._path.exists() and self._path.stat().st_size
            if folder.has_bodies and not (is_there or self.can_be_made_anew):
                # A new one would give numbers again that messages have had.
                raise PermanentFailure(
                    f"{self._path} is missing, although there are messages: restore a backup"
                )
            try:
                if not self.can_be_made_anew:
                    check_stored(self._path, len(schema))
                    check_beside(self._path.parent, self.beside)
                self._writer = self._opened(self._path)
                migrate(self._writer, name, schema)
                self._prepare(self._writer)
            except apsw.Error as error:
                raise PermanentFailure(f"{self._path} cannot be opened: {error}") from error

    def before_commit(self, made_durable: Callable[[], None]) -> None:
        """Have this called in each transaction before it is committed: bytes come before the rows that name them."""
        self._before_commit.append(made_durable)

    @property
    def waiting(self) -> int:
        """How many operations wait for a transaction."""
        return len(self._gathering)

    async def write(self, operation: Operation[T], ended: Ended | None = None) -> T:
        """What the operation returns, once it is durable. Raises what it raises, and TemporaryFailure; `ended` is told
        before that."""
        self.operations += 1
        if self._path is None:
            return self._at_once(operation, ended)
        self._start()
        return await self._gathering.add(operation, ended)

    def read(self, operation: Operation[T]) -> T:
        """What the operation returns; it sees all that was committed, and changes nothing. TemporaryFailure."""
        try:
            return operation(self._writer if self._path is None else self._reader())
        except apsw.Error as error:
            raise _failure(error) from error

    async def aside(self, look: Callable[[], T]) -> T:
        """What a look that takes long gives, in a thread of its own, so that nobody waits for it; in memory, whose one
        connection is that of its thread, at once."""
        return look() if self._path is None else await asyncio.to_thread(look)

    async def empty_log(self) -> None:
        """Have everything in the file alone, so that nothing of what it was before lies in the log beside it.
        TemporaryFailure when somebody reads meanwhile."""
        if self._path is not None:
            await asyncio.to_thread(self._empty_log, str(self._path))

    def _empty_log(self, path: str) -> None:
        lock = self._folder.open_lock(self.lock_name)
        connection = apsw.Connection(path)
        try:
            connection.set_busy_timeout(BUSY_MILLISECONDS)
            with self._folder.locked(lock):
                ((is_busy, *_),) = fetched(connection, "PRAGMA wal_checkpoint(TRUNCATE)")
        except (apsw.Error, OSError) as error:
            raise _failure(error) from error
        finally:
            connection.close()
            if lock is not None:
                os.close(lock)
        if is_busy:
            raise TemporaryFailure(AWAY)

    def _reader(self) -> apsw.Connection:
        """The reading connection of this thread."""
        if not hasattr(self._readers, "connection"):
            connection = apsw.Connection(str(self._path), flags=apsw.SQLITE_OPEN_READONLY)
            connection.set_busy_timeout(BUSY_MILLISECONDS)
            self._readers.connection = connection
        found: apsw.Connection = self._readers.connection
        return found

    def _prepare(self, db: apsw.Connection) -> None:
        """What else is made or checked whenever the database is opened, alone among all writers."""

    def _start(self) -> None:
        if self._thread is None:
            with self._starting:
                if self._thread is None:
                    self._thread = threading.Thread(
                        target=self._serve, name="posthorn-store", daemon=True
                    )
                    self._thread.start()

    def _serve(self) -> None:
        while True:
            batch = self._gathering.take()
            answer(batch, self._together(batch))

    def _together(self, batch: Sequence[Waiting]) -> list[Answer]:
        """Values or errors, in order."""
        try:
            values = self._transaction(lambda db: [one.operation(db) for one in batch])
            return [(value, None) for value in values]
        except Exception as error:  # whatever an operation raises is its caller's
            if len(batch) == 1:
                return [(None, error)]
        return [answer for one in batch for answer in self._together([one])]

    def _at_once(self, operation: Operation[T], ended: Ended | None) -> T:
        is_durable = False
        try:
            value = self._transaction(operation)
            is_durable = True
            return value
        finally:
            if ended is not None:
                ended(is_durable)

    def _transaction(self, operation: Operation[T]) -> T:
        db = self._writer
        with self._folder.locked(self._lock):
            changes = db.total_changes()
            try:
                db.execute("BEGIN IMMEDIATE")
                value = operation(db)
                for make_durable in self._before_commit:
                    make_durable()
                db.execute("COMMIT")
            except (apsw.Error, OSError) as error:
                _roll_back(db)
                raise _failure(error) from error
            except BaseException:
                _roll_back(db)
                raise
            self.transactions += 1
            self.syncs += db.total_changes() > changes
            return value

    def _opened(self, path: Path) -> apsw.Connection:
        # What stands beside it, the log and its index, takes its mode.
        # One that is there is left alone: closing it would end the locks of this process's other connections.
        if not path.exists():
            path.touch(0o600)
        connection = apsw.Connection(str(path))
        connection.set_busy_timeout(BUSY_MILLISECONDS)
        for pragma in (*_PRAGMAS, f"wal_autocheckpoint={self.pages_in_log}"):
            connection.execute(f"PRAGMA {pragma}").fetchall()
        return connection


def fetched(db: apsw.Connection, statement: str, bindings: Any = None) -> list[Any]:
    """Every row that a statement gives. Whatever returns rows runs to its end only when all are fetched."""
    return db.execute(statement, bindings).fetchall()


def check_version() -> None:
    """PermanentFailure when the SQLite library would lose commits."""
    if apsw.SQLITE_VERSION_NUMBER < OLDEST_SQLITE:
        raise PermanentFailure(
            f"SQLite {apsw.sqlite_lib_version()} may lose commits: 3.51.3 or newer is needed"
        )


def migrate(db: apsw.Connection, name: str, schema: Sequence[str]) -> None:
    """Bring the schema to the newest version in one transaction."""
    ((version,),) = fetched(db, "PRAGMA user_version")
    check_schema(version, name, len(schema))
    if version == len(schema):
        return
    db.execute("BEGIN IMMEDIATE")
    for statements in schema[version:]:
        db.execute(statements).fetchall()
    db.execute(f"PRAGMA user_version={len(schema)}")
    db.execute("COMMIT")


def _failure(error: apsw.Error | OSError) -> TemporaryFailure:
    """What a failed read or transaction is to those who wait. After a failed flush nobody knows what is on the disk:
    then this process ends at once, and what is there decides when the databases are opened again."""
    code = error.errno if isinstance(error, OSError) else getattr(error, "extendedresult", 0)
    if isinstance(error, FlushFailed) or code in UNKNOWN_STATE:
        LOG.critical("the disk failed to flush", extra={"fields": {"error": str(error)}})
        os._exit(1)
    full = code == errno.ENOSPC if isinstance(error, OSError) else isinstance(error, apsw.FullError)
    LOG.error("the database failed", extra={"fields": {"error": str(error)}})
    return OutOfSpace(FULL) if full else TemporaryFailure(AWAY)


def _in_memory(name: str, schema: tuple[str, ...]) -> apsw.Connection:
    """A new database in memory: a copy of an empty one, since its schema takes twenty times as long."""
    with _copying:
        if schema not in _empty:
            _empty[schema] = apsw.Connection(":memory:")
            migrate(_empty[schema], name, schema)
        made = apsw.Connection(":memory:")
        with made.backup("main", _empty[schema], "main") as copy:
            copy.step()
    return made


def _roll_back(db: apsw.Connection) -> None:
    if db.in_transaction:
        db.execute("ROLLBACK")
