"""Mail for the store alone: messages without a gateway, whole cycles of them, and callers that store and wait.

`python -m bench.store_work FOLDER --callers N --messages N` stores messages from so many callers at once, in this
process, and prints the seconds that each waited and what the store did, as one JSON object. It begins when a line comes
on standard input.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import uvloop

from chalicelib.adapters.sqlite.intake import SqliteIntake
from chalicelib.adapters.sqlite.mail_schema import MailDatabase
from chalicelib.adapters.sqlite.queue import HandedOut, SqliteWorkQueue
from chalicelib.adapters.sqlite.segments import Segments
from chalicelib.bootstrap import Posthorn
from chalicelib.config import Settings
from chalicelib.domain import lifecycle
from chalicelib.domain.model import (
    BlobRef,
    Delivery,
    Message,
    MessageRecord,
    Origin,
    Scope,
    Status,
)
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.ports.intake import Mail
from chalicelib.ports.messages import MessageStore

BATCH = 64
BODY = b"x" * 4_096
LEASE_SECONDS = 300
ORIGIN = Origin("default", "demo.test", "1")


def message(number: int, blob: BlobRef, server: int = 1) -> Message:
    """A message as accepting makes it."""
    return Message(
        ServerId(server),
        MessageId(number),
        f"{number:016x}",
        Scope.OUTGOING,
        "sender@demo.test",
        f"rcpt{number % 5_000}@sink.example",
        "Your receipt from Example Inc",
        f"<bench.{number:08d}@bench.example>",
        time.time(),
        len(BODY),
        blob,
        ORIGIN,
    )


def mail(number: int, server: int = 1) -> Mail:
    """A body and its one message."""
    return Mail(BODY, ServerId(server), lambda blob: (message(number, blob, server),))


class Store:
    """The family on a state folder; `parts` stand in place of its own."""

    def __init__(self, folder: Path, parts: Mapping[type[Any], Any] | None = None) -> None:
        self.program = Posthorn(Settings(state_folder=str(folder)), "sqlite", parts)
        self.database = self.program[MailDatabase]
        self.intake = self.program[SqliteIntake]
        self.queue = self.program[SqliteWorkQueue]
        self.messages = self.program[MessageStore]
        self.segments = self.program[Segments]

    async def cycle(self, numbers: Sequence[int]) -> None:
        """Accept, receive, claim, finish and delete these messages, each step for all of them together."""
        await self.intake.store([mail(number) for number in numbers], time.time())
        jobs = await self.queue.receive("default", len(numbers), "bench")
        assert len(jobs) == len(numbers)
        claimed = await asyncio.gather(*map(self._claim, jobs))
        await asyncio.gather(*map(self._finish, claimed))
        await self.queue.delete([job.receipt for job in jobs])

    async def _claim(self, job: HandedOut) -> MessageRecord:
        now = int(time.time())
        found = await self.messages.claim(job.job, "bench", now, now + LEASE_SECONDS)
        assert isinstance(found, MessageRecord)
        return found

    async def _finish(self, before: MessageRecord) -> None:
        delivery = Delivery(
            before.message.id,
            Status.SENT,
            "Message for rcpt@sink.example accepted by 127.0.0.1 (mx.sink.example)",
            time.time(),
            "250 2.0.0 OK",
            log_id="0123456789",
            seconds=0.01,
            source="default",
            remote="127.0.0.1:25 (mx.sink.example)",
        )
        assert await self.messages.replace(before, lifecycle.done(before, delivery))

    async def accept(self, numbers: Iterator[int], waited: list[float]) -> None:
        """Store one message after the other, as a client that waits for each answer."""
        for number in numbers:
            begin = time.perf_counter()
            await self.intake.store([mail(number)], time.time())
            waited.append(time.perf_counter() - begin)


async def accept_all(folder: Path, callers: int, messages: int, first: int) -> dict[str, Any]:
    """Store messages from so many callers at once."""
    store, waited = Store(folder), []
    await store.intake.store([mail(first)], time.time())
    print("ready", flush=True)
    sys.stdin.readline()
    database, segments = store.database, store.segments
    before = (database.transactions, database.syncs + segments.syncs)
    numbers = iter(range(first + 1, first + 1 + messages))
    await asyncio.gather(*(store.accept(numbers, waited) for _ in range(callers)))
    return {
        "waited": waited,
        "transactions": database.transactions - before[0],
        "fsyncs": database.syncs + segments.syncs - before[1],
    }


def main() -> None:
    """Read the command line, store, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--callers", type=int, default=50)
    parser.add_argument("--messages", type=int, default=1_000)
    parser.add_argument("--first", type=int, default=1)
    given = parser.parse_args()
    work = accept_all(given.folder, given.callers, given.messages, given.first)
    print(json.dumps(uvloop.run(work)))


if __name__ == "__main__":
    main()
