"""Accepted mail goes straight to the deliverers of its process while nothing waits, and into the queue otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from chalicelib.adapters.scripted.time import ControlledClock
from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.in_hand import InHand
from chalicelib.adapters.sqlite.mail_schema import MailDatabase
from chalicelib.adapters.sqlite.queue import HandedOut, SqliteWorkQueue
from chalicelib.bootstrap import Posthorn
from chalicelib.config import Settings
from chalicelib.domain.errors import OutOfSpace, TemporaryFailure
from chalicelib.ports.clock import Clock
from chalicelib.ports.intake import Intake, Mail
from tests.fakes import NOW, a_message, a_server_id

OWNER, MOST = "p-1", 2
SERVER = a_server_id()


class Host:
    """A store, and a process that takes what it is handed; no folder for one in memory."""

    def __init__(self, folder: Path | None) -> None:
        settings = Settings(state_folder=str(folder or ""))
        self.program = Posthorn(settings, "sqlite", {Clock: ControlledClock(NOW)})
        self.in_hand = self.program[InHand]
        self.queue = self.program[SqliteWorkQueue]
        self.handed: list[HandedOut] = []
        self.in_hand.open(OWNER, MOST, self._take)

    def _take(self, pool: str, jobs: Sequence[HandedOut]) -> None:
        assert pool == "default"
        self.handed += jobs

    async def look(self) -> int:
        """Take what the queue has; how much that was."""
        left = self.in_hand.left("default")
        jobs = await self.queue.receive("default", 10, OWNER)
        self.in_hand.looked("default", left, more_wait=False)
        return len(jobs)

    async def store(self, *numbers: int) -> None:
        mails = [
            Mail(b"body", SERVER, lambda blob, n=number: (a_message(SERVER, n, blob=blob),))  # type: ignore[misc]
            for number in numbers
        ]
        await self.program[Intake].store(mails, NOW)

    @property
    def waiting(self) -> int:
        """Jobs in the queue that nobody has."""
        statement = "SELECT count(*) FROM queue WHERE owner = ''"
        ((count,),) = self.program[MailDatabase].read(lambda db: fetched(db, statement))
        return int(count)


@pytest.fixture(params=["memory", "folder"])
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Host:
    return Host(tmp_path / "state" if request.param == "folder" else None)


async def test_what_is_handed_over_is_in_hand_and_deleted_by_its_receipt(host: Host) -> None:
    await host.look()
    await host.store(1)
    (one,) = host.handed
    assert one.job
    assert (one.job.message.id, one.job.attempt, one.receive_count) == (1, 0, 1)
    assert (host.in_hand.total, host.waiting, await host.look()) == (1, 0, 0)
    await host.queue.delete([one.receipt])
    host.in_hand.add("default", -1)
    assert host.in_hand.room("default") == MOST
    assert host.program[MailDatabase].read(lambda db: fetched(db, "SELECT * FROM queue")) == []


async def test_mail_waits_in_the_queue_before_anybody_has_looked_there(host: Host) -> None:
    await host.store(1)
    assert (host.handed, host.waiting) == ([], 1)


async def test_what_there_is_no_room_for_waits_and_so_does_what_comes_after(host: Host) -> None:
    await host.look()
    await host.store(1, 2, 3)
    assert (len(host.handed), host.waiting) == (2, 1)
    host.in_hand.add("default", -2)
    await host.store(4)
    assert (len(host.handed), host.waiting) == (2, 2), "a later message got past one that waits"
    assert await host.look() == 2
    await host.store(5)
    assert len(host.handed) == 3


async def test_what_was_stored_during_a_look_is_not_overtaken(host: Host) -> None:
    left = host.in_hand.left("default")
    await host.store(1)
    host.in_hand.looked("default", left, more_wait=False)
    await host.store(2)
    assert (host.handed, host.waiting) == ([], 2)


async def test_nothing_is_handed_over_after_the_end(host: Host) -> None:
    await host.look()
    host.in_hand.close()
    await host.store(1)
    assert (host.handed, host.waiting, host.in_hand.total) == ([], 1, 0)


async def test_what_is_not_stored_is_not_in_hand(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    await host.look()

    def fail() -> None:
        raise OSError(28, "No space left on device")

    database = host.program[MailDatabase]
    monkeypatch.setattr(database, "_before_commit", [*database._before_commit, fail])
    with pytest.raises((OutOfSpace, TemporaryFailure)):
        await host.store(1)
    assert (host.handed, host.in_hand.total) == ([], 0)
