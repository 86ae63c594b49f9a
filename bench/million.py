"""A million messages on one host: how long lists take, how long maintenance holds the store, starting, and the space.

A state folder is filled with BENCH_MESSAGES messages of twenty servers (see `bench.filled`) and then read through the
ports, as the API does. A list is a page of 30 with the newest deliveries of each message; its time is the quickest of
some calls for each server, which other work disturbed least, and of those the median. Then search.db is made of them
and searched (see `bench.search`). Bodies are left out.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from bench.disk import durable_disk
from bench.durable import start_durable
from bench.filled import OVER, SERVERS, fill
from bench.search import TimedSearchDatabase, search_rows, size_row
from bench.sink import Sink
from bench.smtp_peers import Absent
from bench.table import Row, bounded, print_table
from chalicelib.adapters.sqlite.expiry import ROWS, Expiry
from chalicelib.adapters.sqlite.folder import MAIL, StateFolder
from chalicelib.adapters.sqlite.mail_schema import MailDatabase
from chalicelib.adapters.sqlite.search_schema import SearchDatabase
from chalicelib.bootstrap import Posthorn
from chalicelib.config import Settings
from chalicelib.domain.model import Scope
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.ports.messages import MessageStore

MESSAGES = 1_000_000
PAGE = 30
CALLS = 5
NOW = 2_000_000_000
MOST_OF_A_LIST = 1.0
MOST_OF_MAINTENANCE = 50.0
MOST_OF_START = 1.0
MOST_BYTES = 720

Call = Callable[[ServerId, int], Awaitable[Any]]


class TimedMailDatabase(MailDatabase):
    """mail.db that notes how long each transaction took."""

    def __init__(self, folder: StateFolder) -> None:
        super().__init__(folder)
        self.seconds: list[float] = []

    def _transaction(self, operation: Any) -> Any:
        begin = time.perf_counter()
        try:
            return super()._transaction(operation)
        finally:
            self.seconds.append(time.perf_counter() - begin)


def run() -> list[Row]:
    """Fill and measure; no rows where there is no disk."""
    return measure(int(os.environ.get("BENCH_MESSAGES", MESSAGES)))


def measure(messages: int) -> list[Row]:
    """Rows of a folder with so many messages."""
    with tempfile.TemporaryDirectory(prefix="posthorn-million-") as base:
        try:
            disk = durable_disk(Path(base))
        except Absent as absent:
            print(f"million: not measured: {absent}", file=sys.stderr)
            return []
        state = Path(base) / "full" / "state"
        begin = time.monotonic()
        fill(state, messages)
        print(f"{messages:,} messages in {time.monotonic() - begin:.0f} s", file=sys.stderr)
        label = f"{messages:,} messages"
        settings = Settings(state_folder=str(state))
        database = TimedMailDatabase(StateFolder(settings))
        search = TimedSearchDatabase(StateFolder(settings), database)
        program = Posthorn(settings, "sqlite", {MailDatabase: database, SearchDatabase: search})
        size = (state / MAIL).stat().st_size / messages
        return [
            *disk.rows(),
            *asyncio.run(_lists(program, label, messages)),
            *asyncio.run(search_rows(program, search, label, messages)),
            size_row(state, label, messages),
            *asyncio.run(_maintenance(program, database, label)),
            bounded(f"{label}, mail.db", size, "B/msg", MOST_BYTES),
            *_starts(Path(base), label),
        ]


def lists(store: MessageStore, messages: int) -> Mapping[str, Call]:
    """What is timed, by name; called with a server and a number that differs from call to call."""
    most = max(1, messages // SERVERS)
    return {
        "newest page": lambda server, _: store.page(server, Scope.OUTGOING, PAGE),
        "by recipient": lambda server, turn: store.by_recipient(
            server, f"rcpt{turn * 83 % 5_000}@sink.example", PAGE
        ),
        "failed": lambda server, _: store.flagged(server, Scope.OUTGOING, "failed", PAGE),
        "held": lambda server, _: store.flagged(server, Scope.OUTGOING, "held", PAGE),
        "due": lambda *_: store.due(NOW, PAGE),
        "one with its log": lambda server, turn: store.deliveries(
            server, MessageId(1 + turn * 7_919 % most)
        ),
    }


async def _lists(program: Posthorn, label: str, messages: int) -> list[Row]:
    rows = []
    for name, call in lists(program[MessageStore], messages).items():
        best = [float("inf")] * SERVERS
        for turn in range(CALLS * SERVERS):
            begin = time.perf_counter()
            await call(ServerId(1 + turn % SERVERS), turn)
            best[turn % SERVERS] = min(best[turn % SERVERS], time.perf_counter() - begin)
        taken = statistics.median(best) * 1_000
        rows.append(bounded(f"{label}, {name}", taken, "ms", MOST_OF_A_LIST))
    return rows


async def _maintenance(program: Posthorn, database: TimedMailDatabase, label: str) -> list[Row]:
    """The longest transaction of expiry, all of it with its flush."""
    expiry = program[Expiry]
    database.seconds.clear()
    for _ in range(20):
        if await expiry.step(OVER + 1) < ROWS:
            break
        await expiry.give_back_space()
    longest, median = max(database.seconds) * 1_000, statistics.median(database.seconds) * 1_000
    return [
        bounded(f"{label}, longest maintenance", longest, "ms", MOST_OF_MAINTENANCE),
        Row(f"{label}, median maintenance", median, "ms"),
    ]


def _starts(base: Path, label: str) -> list[Row]:
    """How long `posthorn serve` takes until it greets, with the messages and without."""
    empty = base / "empty"
    empty.mkdir()
    taken: dict[str, float] = {}
    with Sink() as sink:
        for name in ("empty", "full"):
            relay = start_durable(base / name, sink.port)
            relay.stop()
            taken[name] = relay.start_seconds
    return [
        bounded(f"{label}, start", taken["full"], "s", MOST_OF_START),
        Row("no messages, start", taken["empty"], "s"),
    ]


if __name__ == "__main__":
    print_table(run())
