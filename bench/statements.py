"""What a message's whole cycle asks of SQLite, statement by statement, over apsw and the standard library's `sqlite3`.

The statements are those that the family ran once. They are played again on new databases, in the same transactions and
as durable, with nothing around them but a loop.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import apsw

from bench.stdlib_driver import Connection
from bench.store_work import BATCH, Store
from chalicelib.adapters.sqlite.database import _PRAGMAS

BATCHES = 5
Calls = Sequence[tuple[str, str, Any]]
"""Method, statement and what is bound."""


class Recorder:
    """A connection that notes what it is asked to execute."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.calls: list[tuple[str, str, Any]] = []

    def execute(self, statement: str, bindings: Any = None) -> Any:
        """Run one statement."""
        self.calls.append(("execute", statement, bindings))
        return self._connection.execute(statement, bindings)

    def executemany(self, statement: str, rows: Iterable[Any]) -> Any:
        """Run one statement for each row."""
        self.calls.append(("executemany", statement, list(rows)))
        return self._connection.executemany(statement, self.calls[-1][2])

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


def cpu_of_statements(base: Path, rounds: int) -> dict[str, float]:
    """CPU seconds a message over each driver, the best of interleaved rounds."""
    calls = _recorded(base / "recorded")
    taken: dict[str, list[float]] = {"apsw": [], "stdlib": []}
    drivers: dict[str, Callable[[Path], Any]] = {"apsw": _of_apsw, "stdlib": Connection}
    for number in range(rounds):
        for name, opened in drivers.items():
            folder = base / f"{name}-{number}"
            Store(folder)  # makes the schema
            database = opened(folder / "mail.db")
            begin = time.process_time()
            _play(calls, database)
            taken[name].append((time.process_time() - begin) / (BATCHES * BATCH))
    return {name: min(times) for name, times in taken.items()}


def _recorded(folder: Path) -> Calls:
    store = Store(folder)
    recorder = Recorder(store.database._writer)
    store.database._writer = recorder  # type: ignore[assignment]  # it notes and passes on

    async def work() -> None:
        for first in range(1, 1 + BATCHES * BATCH, BATCH):
            await store.cycle(range(first, first + BATCH))

    asyncio.run(work())
    return recorder.calls


def _of_apsw(path: Path) -> apsw.Connection:
    connection = apsw.Connection(str(path))
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}").fetchall()
    return connection


def _play(calls: Calls, database: Any) -> None:
    for method, statement, bindings in calls:
        getattr(database, method)(statement, bindings).fetchall()
