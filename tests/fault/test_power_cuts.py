"""The power is cut at random moments while mail is stored, claimed and settled: what is found is a whole prefix of the
commits that holds every one somebody was told of, and nothing in it is without what belongs to it.

`POWER_CUT_SEED` sets which moments, `POWER_CUTS` how many.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
from dataclasses import replace
from pathlib import Path

import apsw
import pytest

from chalicelib.adapters.scripted.time import ControlledClock
from chalicelib.adapters.sqlite import database, segments
from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.mail_schema import MailDatabase
from chalicelib.adapters.sqlite.queue import HandedOut, SqliteWorkQueue
from chalicelib.bootstrap import Posthorn
from chalicelib.config import Settings
from chalicelib.domain import lifecycle
from chalicelib.domain.model import MessageRecord, State, Status
from chalicelib.ports.clock import Clock
from chalicelib.ports.intake import Intake
from chalicelib.ports.messages import MessageStore
from tests.fakes import NOW, a_delivery, a_job
from tests.fault.disk_play import a_body, a_mail
from tests.fault.durable import held
from tests.fault.recording_disk import RecordingDisk, moments

SEED = os.environ.get("POWER_CUT_SEED", "1")
CUTS = int(os.environ.get("POWER_CUTS", "200"))
ROUNDS = 10
SOFT = 0.3
# One log for all, and one that is begun anew every few commits.
PAGES = (4_000, 60)


class Writer:
    """Takes mail over and plays its deliveries, several at once."""

    def __init__(self, program: Posthorn, rand: random.Random) -> None:
        self._program = program
        self._store = program[MessageStore]
        self._queue = program[SqliteWorkQueue]
        self._random = rand
        self._count = 0

    async def play(self) -> None:
        """One round."""
        first = self._count + 1
        self._count += self._random.randint(1, 5)
        mails = [a_mail(number) for number in range(first, self._count + 1)]
        jobs = await self._queue.receive("default", 5, "p-1")
        await asyncio.gather(
            *(self._program[Intake].store([mail], NOW) for mail in mails),
            *(self._attempt(one) for one in jobs),
        )

    async def _attempt(self, job: HandedOut) -> None:
        claimed = await self._store.claim(job.job, "p-1", NOW, NOW + 300)
        assert isinstance(claimed, MessageRecord)
        number = 1 + claimed.attempt
        if self._random.random() < SOFT:
            failed = a_delivery(number, Status.SOFT_FAIL)
            after = replace(lifecycle.waiting(claimed, failed, NOW), status=Status.SOFT_FAIL)
        else:
            sent = a_delivery(number, Status.SENT)
            after = replace(lifecycle.done(claimed, sent), status=Status.SENT)
        assert await self._store.replace(claimed, after)
        if after.state is State.WAITING:
            await self._queue.wake("default", [a_job(claimed.message, after.attempt)], NOW)
        await self._queue.delete([job.receipt])


@pytest.mark.parametrize("pages", PAGES)
def test_what_is_found_is_what_somebody_was_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pages: int
) -> None:
    folder, rand = tmp_path / "state", random.Random(f"{SEED} {pages}")
    disk, states = RecordingDisk(folder), []
    monkeypatch.setattr(segments, "os", disk.system)
    pragmas = (*database._PRAGMAS, f"wal_autocheckpoint={pages}")
    monkeypatch.setattr(database, "_PRAGMAS", pragmas)
    try:
        clock = {Clock: ControlledClock(NOW)}
        program = Posthorn(Settings(state_folder=str(folder)), "sqlite", clock)
        writer, mail = Writer(program, rand), program[MailDatabase]
        program[Intake]
        states.append(digest(mail._writer))
        mail.before_commit(lambda: states.append(digest(mail._writer)))
        before = disk.record()

        async def play() -> None:
            for _ in range(ROUNDS):
                await writer.play()
                disk.tell(len(states) - 1)

        asyncio.run(play())
    finally:
        disk.stop()
    cuts = sorted(rand.sample(range(len(disk.events) + 1), CUTS))
    bodies = 0
    for moment, remains in enumerate(moments(before, disk.events)):
        if moment in cuts:
            place = tmp_path / f"cut-{moment}"
            lay(place, remains.after_power_cut(rand))
            bodies += check(place, states, remains.told, f"seed {SEED}, event {moment}")
    print(f"seed {SEED}: {len(states)} commits, {CUTS} power cuts, {bodies} bodies read")
    assert bodies > CUTS


def check(folder: Path, states: list[str], told: int, where: str) -> int:
    """A commit that was made, not before the one that was told, and all in step; how many bodies were read."""
    db = apsw.Connection(str(folder / "mail.db"))
    try:
        fetched(db, "PRAGMA synchronous=OFF")
        found = digest(db)
    finally:
        db.close()
    assert found in states, f"{where}: no state of the database after any commit"
    assert found in states[told:], f"{where}: commit {told} was told, and is lost"
    messages = held(folder)
    for number, message in messages.items():
        assert message.body == a_body(number), where
    return len(messages)


def digest(db: apsw.Connection) -> str:
    """All that the database holds, as a word."""
    tables = fetched(db, "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
    rows = [(name, sorted(map(repr, fetched(db, "SELECT * FROM " + name)))) for (name,) in tables]  # noqa: S608  # from the schema itself
    return hashlib.sha256(repr(rows).encode()).hexdigest()


def lay(folder: Path, files: dict[str, bytes]) -> None:
    """Put the files of an image where they belong."""
    folder.mkdir(mode=0o700)
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
