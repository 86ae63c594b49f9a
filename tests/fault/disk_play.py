"""`python -m tests.fault.disk_play FOLDER KIND [lasting]`: the same play of mail over a store, once for each write or
flush that can fail in it, each in a process and a state folder of its own.

Prints a line of JSON for each: which it was, the folder, how the process ended, and what whoever waited was told.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import shutil
import sys
from collections.abc import Coroutine, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from chalicelib.adapters.sqlite import database
from chalicelib.bootstrap import Posthorn
from chalicelib.config import Settings
from chalicelib.domain import lifecycle
from chalicelib.domain.errors import MailError
from chalicelib.domain.model import MessageRecord, Status
from chalicelib.domain.numbering import ServerId
from chalicelib.ports.intake import Intake, Mail
from chalicelib.ports.messages import MessageStore
from tests.fakes import NOW, a_delivery, a_job, a_message
from tests.fault.faulty_disk import UNFLUSHED, Fault, FaultyDisk

SERVER = ServerId(7)
CROWD = 4
# Small, so that checkpoints are part of the play.
PAGES_OF_A_LOG = 40
BODY_BYTES = 3_000


def a_body(number: int) -> bytes:
    """The body of message `number`."""
    return f"message {number}\r\n".encode() * (BODY_BYTES // 13)


def a_mail(number: int) -> Mail:
    """Message `number` as it is taken over."""
    message = a_message(SERVER, number)
    return Mail(a_body(number), SERVER, lambda ref: (replace(message, blob=ref),))


class Play:
    """Stores, claims and finishes messages, some at once; notes what each of these was told, as soon as it was."""

    def __init__(self, program: Posthorn, told: int) -> None:
        self._program = program
        self._told = told
        self._claimed: dict[int, MessageRecord] = {}

    async def run(self) -> None:
        """The play, in which the disk fails."""
        await self.store(1)
        await asyncio.gather(*(self.store(number) for number in range(2, 2 + CROWD)))
        await asyncio.gather(*(self.claim(number) for number in (1, 2, 3)))
        later = range(10, 10 + CROWD)
        await asyncio.gather(*map(self.finish, (1, 2)), *map(self.store, later))

    async def store(self, number: int) -> None:
        """Take a message over."""
        await self._note("store", number, self._program[Intake].store([a_mail(number)], NOW))

    async def claim(self, number: int) -> None:
        """Lease it."""
        page = await self._program[MessageStore].get_many([(SERVER, number)])  # type: ignore[list-item]
        for record in page:
            claim = self._program[MessageStore].claim(a_job(record.message), "w", NOW, NOW + 300)
            found = await self._note("claim", number, claim)
            if isinstance(found, MessageRecord):
                self._claimed[number] = found

    async def finish(self, number: int) -> None:
        """Store its outcome."""
        if number in self._claimed:
            before = self._claimed[number]
            sent = a_delivery(number, Status.SENT)
            after = replace(lifecycle.done(before, sent), status=Status.SENT)
            await self._note("finish", number, self._program[MessageStore].replace(before, after))

    async def _note(self, what: str, number: int, work: Coroutine[Any, Any, Any]) -> Any:
        found, answer = None, "ok"
        try:
            found = await work
        except MailError as error:
            answer = type(error).__name__
        except Exception as error:  # what nobody expects
            answer = f"{type(error).__name__}: {error}"
        os.write(self._told, json.dumps([what, number, answer]).encode() + b"\n")
        return found


def play(folder: Path, told: int, fault: Fault) -> FaultyDisk:
    """One play on one folder."""
    disk = FaultyDisk()
    disk.install()
    database._PRAGMAS = (*database._PRAGMAS, f"wal_autocheckpoint={PAGES_OF_A_LOG}")
    program = Posthorn(Settings(state_folder=str(folder)), "sqlite")
    parts = Play(program, told)
    for port in (Intake, MessageStore):
        program[port]
    disk.arm(fault)

    async def act() -> None:
        await parts.run()
        disk.mend()
        await parts.store(99)

    asyncio.run(act())
    return disk


def in_a_process(template: Path, folder: Path, fault: Fault) -> dict[str, Any]:
    """How it ended, what was told, and how many writes and flushes there were."""
    shutil.copytree(template, folder)
    reading, told = os.pipe()
    process = os.fork()
    if process == 0:
        disk = play(folder, told, fault)
        os.write(told, json.dumps(["end", disk.writes, disk.flushes, disk.struck]).encode())
        os._exit(0)
    os.close(told)
    with os.fdopen(reading) as lines:
        rows = [json.loads(line) for line in lines]
    _, status = os.waitpid(process, 0)
    ended = rows.pop() if rows and rows[-1][0] == "end" else None
    code = os.waitstatus_to_exitcode(status)
    return {"at": fault.at, "folder": str(folder), "code": code, "told": rows, "ended": ended}


def plays(place: Path, kind: str, *, lasting: bool) -> Iterator[dict[str, Any]]:
    """A play for each write or flush that the first, undisturbed one had."""
    template = place / "template"
    if os.fork() == 0:
        Posthorn(Settings(state_folder=str(template)), "sqlite")[Intake]
        os._exit(0)
    os.wait()
    whole = in_a_process(template, place / "whole", Fault())
    yield whole
    _, writes, flushes, _ = whole["ended"]
    for number in range(1, 1 + (flushes if kind == UNFLUSHED else writes)):
        yield in_a_process(template, place / f"{kind}-{number}", Fault(kind, number, lasting))


def main(place: Path, kind: str, *lasting: str) -> None:
    """Play, tell and forget: a folder is removed when its line was answered."""
    logging.disable()
    # What every play loads is loaded once.
    for port in (Intake, MessageStore):
        Posthorn(Settings(), "sqlite")[port]
    for found in plays(place, kind, lasting=bool(lasting)):
        print(json.dumps(found), flush=True)
        sys.stdin.readline()
        shutil.rmtree(found["folder"])


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
