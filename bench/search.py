"""Searching a filled state folder: how long making search.db of mail.db takes, its size, the time of a first page, and
how long what it forgets holds the store.

A page is one of 30 of `FindMail`, as the API asks for it, with its records and deliveries; its time is the quickest of
some calls for each server, and of those the median. CPU of making it is that of the whole process; what a message costs
the relay is twice as much, since it is told of once as new and once as delivered.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.filled import FIRST_AT, SECONDS_BETWEEN, SERVERS, TAGS
from bench.table import Row, bounded
from chalicelib.adapters.sqlite.folder import SEARCH, StateFolder
from chalicelib.adapters.sqlite.mail_index import SqliteMailIndex
from chalicelib.adapters.sqlite.mail_schema import MailDatabase
from chalicelib.adapters.sqlite.search_fill import SearchFill
from chalicelib.adapters.sqlite.search_schema import SearchDatabase
from chalicelib.bootstrap import Posthorn
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.search.mail_filter import MailFilter
from chalicelib.domain.search.parse import parse_query
from chalicelib.services.messages.find import FindMail

PAGE = 30
CALLS = 3
MOST_OF_A_PAGE = 50.0
MOST_OF_MAINTENANCE = 50.0
LONG = 3_600.0


class TimedSearchDatabase(SearchDatabase):
    """search.db that notes the CPU of each transaction: what other work and the disk take is not its own."""

    def __init__(self, folder: StateFolder, mail: MailDatabase) -> None:
        super().__init__(folder, mail)
        self.seconds: list[float] = []

    def _transaction(self, operation: Any) -> Any:
        begin = time.thread_time()
        try:
            return super()._transaction(operation)
        finally:
            self.seconds.append(time.thread_time() - begin)


def searches(messages: int) -> Mapping[str, tuple[str, str]]:
    """What is searched for, by name, with a place for the number of a message; and in which part of them."""
    end = FIRST_AT + SECONDS_BETWEEN * messages
    day = min(86_400.0, SECONDS_BETWEEN * messages / 10)
    middle = (FIRST_AT + end) / 2
    after, before = (
        time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at)) for at in (middle, middle + day)
    )
    return {
        "id": ("id:{n}", ""),
        "token": ("token:{n:016x}", ""),
        "to": ("to:rcpt{n5}@sink.example", ""),
        "to and status": ("to:rcpt{n5}@sink.example status:sent", ""),
        "from": ("from:sender@demo.test", ""),
        "msgid": ("msgid:bench.{n:08d}@bench.example", ""),
        "tag": ("tag:tag{tag}", ""),
        "status": ("status:held", ""),
        "not sent": ("-status:sent", ""),
        "not of a tag": ("-tag:tag{tag}", ""),
        "common word": ("receipt", ""),
        "rare word": ("r{n}", ""),
        "two words": ("example receipt", ""),
        "prefix": ("r{n}*", ""),
        "common prefix": ("rece*", ""),
        "prefix of all": ("r*", ""),
        "date": (f"after:{after} before:{before}", ""),
        "date and word": (f"after:{after} before:{before} receipt", ""),
        "deep page": ("receipt", "middle"),
        "oldest first": ("receipt order:oldest-first", ""),
    }


async def search_rows(
    program: Posthorn, database: TimedSearchDatabase, label: str, messages: int
) -> list[Row]:
    """Make search.db, and measure it."""
    fill, used, begin = program[SearchFill], time.process_time(), time.perf_counter()
    while await fill.step():
        pass
    cpu = (time.process_time() - used) / messages * 1e6
    taken = time.perf_counter() - begin
    longest = max(database.seconds) * 1_000
    rows = [
        Row(f"{label}, search.db made, CPU", cpu, "us/msg"),
        Row(f"{label}, search.db made", taken, "s"),
        bounded(f"{label}, longest step of that, CPU", longest, "ms", MOST_OF_MAINTENANCE),
        *[row async for row in _pages(program, label, messages)],
        await _unnarrowed(program, label),
        *await _forgotten(program, database, label),
    ]
    await database.empty_log()
    return rows


def size_row(state: Path, label: str, messages: int) -> Row:
    """Bytes of search.db a message."""
    return Row(f"{label}, search.db", (state / SEARCH).stat().st_size / messages, "B/msg")


async def _pages(program: Posthorn, label: str, messages: int) -> Any:
    find, each = program[FindMail], max(1, messages // SERVERS)
    for name, (text, part) in searches(messages).items():
        best = [float("inf")] * SERVERS
        for turn in range(CALLS * SERVERS):
            number = 1 + turn * 7_919 % each
            asked = text.format(n=number, n5=number % 5_000, tag=number % TAGS)
            wanted = MailFilter(query=parse_query(asked, time.time()))
            position = f"i{each // 2}" if part else None
            begin = time.perf_counter()
            await find.page(ServerId(1 + turn % SERVERS), wanted, PAGE, position)
            best[turn % SERVERS] = min(best[turn % SERVERS], time.perf_counter() - begin)
        yield bounded(
            f"{label}, search: {name}", statistics.median(best) * 1_000, "ms", MOST_OF_A_PAGE
        )


async def _unnarrowed(program: Posthorn, label: str) -> Row:
    """A search that nothing narrows, and that finds nothing: as many messages as a page may look at, or all."""
    wanted = MailFilter(query=parse_query("cause:*nothing*", time.time()))
    begin = time.perf_counter()
    await program[FindMail].page(ServerId(1), wanted, PAGE)
    return Row(f"{label}, search: nothing narrows it", (time.perf_counter() - begin) * 1_000, "ms")


async def _forgotten(program: Posthorn, database: TimedSearchDatabase, label: str) -> list[Row]:
    """One message forgotten, words and all."""
    database.seconds.clear()
    used, begin = time.process_time(), time.perf_counter()
    await program[SqliteMailIndex].forget(ServerId(1), [MessageId(1)])
    return [
        Row(f"{label}, one forgotten", time.perf_counter() - begin, "s"),
        Row(f"{label}, one forgotten, CPU", time.process_time() - used, "s"),
        bounded(
            f"{label}, longest step of that, CPU",
            max(database.seconds) * 1_000,
            "ms",
            MOST_OF_MAINTENANCE,
        ),
    ]
