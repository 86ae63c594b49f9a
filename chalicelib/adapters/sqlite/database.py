"""One SQLite database: reads on the caller's thread, writes gathered into transactions by a thread of its own.

A write is an operation: a function of the connection that changes the database and nothing else, so that it may run
again. `write` returns once it is durable (`synchronous=FULL`). All operations that wait run in one transaction; when
one raises, each is run again in a transaction of its own, and only the guilty one gets its error. An operation that
comes alone runs at once; while several come together, a transaction begins when ENOUGH_TOGETHER wait, or GATHER_SECONDS
after the one before, so that a quick disk does not get one for each. In memory there is neither thread nor lock: an
operation runs at once in its caller.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeVar

import apsw

from chalicelib.adapters.sqlite.folder import FlushFailed, StateFolder
from chalicelib.domain.errors import OutOfSpace, PermanentFailure, TemporaryFailure

T = TypeVar("T")
Operation = Callable[[apsw.Connection], T]
LOG = logging.getLogger("posthorn.sqlite")

# The versions from 3.7.0 on before these lose commits when two connections write and checkpoint.
OLDEST_SQLITE = 3_051_003
MOST_TOGETHER = 512
# A transaction costs as much as storing ten messages in it.
GATHER_SECONDS = 0.02
ENOUGH_TOGETHER = 16
BUSY_MILLISECONDS = 10_000
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
    "wal_autocheckpoint=4000",
    "secure_delete=ON",
    "trusted_schema=OFF",
)

_empty: dict[tuple[str, ...], apsw.Connection] = {}
_copying = threading.Lock()


@dataclass(slots=True)
class _Waiting:
    """An operation, and who waits for it."""

    operation: Operation[Any]
    loop: asyncio.AbstractEventLoop
    answer: asyncio.Future[Any]

    def told(self, value: Any, error: BaseException | None) -> None:
        """Give the value, or raise the error, where it was asked."""
        if self.answer.cancelled():
            return
        if error is None:
            self.answer.set_result(value)
        else:
            self.answer.set_exception(error)


class Database:
    """A database of the state folder. `schema` has the statements of each version from 1 on.

    It counts what this process did since its start: `operations`, `transactions`, and of these the `syncs`, which
    changed something and were made durable.
    """

    def __init__(self, folder: StateFolder, name: str, schema: Sequence[str]) -> None:
        check_version()
        self._folder = folder
        self._path = folder.file(name)
        self._lock = folder.open_lock()
        self._before_commit: list[Callable[[], None]] = []
        self._waiting: SimpleQueue[_Waiting] = SimpleQueue()
        self._enough = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._readers = threading.local()
        self.operations = self.transactions = self.syncs = 0
        if self._path is None:
            self._writer = _in_memory(name, tuple(schema))
            return
        with folder.locked(self._lock), folder.opening():
            if folder.has_bodies and not (self._path.exists() and self._path.stat().st_size):
                # A new one would give numbers again that messages have had.
                raise PermanentFailure(
                    f"{self._path} is missing, although there are messages: restore a backup"
                )
            try:
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
        return self._waiting.qsize()

    async def write(self, operation: Operation[T]) -> T:
        """What the operation returns, once it is durable. Raises what it raises, and TemporaryFailure."""
        self.operations += 1
        if self._path is None:
            return self._transaction(operation)
        self._start()
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        self._waiting.put(_Waiting(operation, loop, answer))
        if self.waiting == ENOUGH_TOGETHER:
            self._enough.set()
        return await answer

    def read(self, operation: Operation[T]) -> T:
        """What the operation returns; it sees all that was committed, and changes nothing. TemporaryFailure."""
        try:
            return operation(self._writer if self._path is None else self._reader())
        except apsw.Error as error:
            raise _failure(error) from error

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
        began, together = 0.0, 1
        while True:
            batch = [self._waiting.get()]
            self._enough.clear()
            if together > 1 and self.waiting < ENOUGH_TOGETHER:
                self._enough.wait(max(0.0, began + GATHER_SECONDS - time.monotonic()))
            began = time.monotonic()
            while len(batch) < MOST_TOGETHER and not self._waiting.empty():
                batch.append(self._waiting.get())
            # One that comes alone between many is no sign that those are over.
            together = max(len(batch), together // 2)
            answers = self._together(batch)
            for loop in {one.loop for one in batch}:
                theirs = [pair for pair in zip(batch, answers, strict=True) if pair[0].loop is loop]
                try:
                    loop.call_soon_threadsafe(_tell, theirs)
                except RuntimeError:
                    LOG.warning("nobody waits any more", extra={"fields": {"writes": len(theirs)}})

    def _together(self, batch: Sequence[_Waiting]) -> list[tuple[Any, BaseException | None]]:
        """Values or errors, in order."""
        try:
            values = self._transaction(lambda db: [one.operation(db) for one in batch])
            return [(value, None) for value in values]
        except Exception as error:  # whatever an operation raises is its caller's
            if len(batch) == 1:
                return [(None, error)]
        return [answer for one in batch for answer in self._together([one])]

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
        for pragma in _PRAGMAS:
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


def check_schema(version: int, name: str, known: int) -> None:
    """PermanentFailure when a database has the schema of a newer release than this one, which knows `known`."""
    if version > known:
        raise PermanentFailure(
            f"{name} was written by a newer release (schema {version}, this one knows {known})"
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


def _tell(pairs: Sequence[tuple[_Waiting, tuple[Any, BaseException | None]]]) -> None:
    for waiting, (value, error) in pairs:
        waiting.told(value, error)
