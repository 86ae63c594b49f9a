"""A run that dies at any of its steps leaves every backup before it whole, and the next run needs nobody's help."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from chalicelib.adapters.system.clock import SystemClock
from chalicelib.config import Settings
from chalicelib.ports.messages import MessageStore
from onehost.backups import run as running
from onehost.backups.dated import all_of
from onehost.backups.run import Backups
from onehost.options import Options
from onehost.storage.progress import Progress
from onehost.storage.restore import Wishes, restore
from tests.ended_segments import erase, two_messages
from tests.kept_mail import make_host, opened
from tests.killed_steps import Killed, killed_at

if TYPE_CHECKING:
    import pytest

QUIET = Progress(lambda text: None)


# What changes files.
STEPS = (
    (os, "fsync"),
    (os, "link"),
    (Path, "rename"),
    (Path, "replace"),
    (Path, "unlink"),
    (Path, "mkdir"),
    (shutil, "rmtree"),
    (running, "run_hook"),
)


async def test_it_is_killed_at_every_step(
    state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = await make_host(state)
    erased, stays = await two_messages(host)
    template = tmp_path / "template"
    template.mkdir(mode=0o700)
    options = Options(backup_folder=str(template), backup_keep=1, backup_hook="/bin/true")

    def backups() -> Backups:
        return Backups(state, options, SystemClock(Settings()), QUIET)

    assert backups().run().failures == []
    (before,) = all_of(template)
    erase(host, erased)
    notes = (state / "backups.json").read_bytes()
    step, finished, other = 0, False, tmp_path / "other"
    while not finished:
        folder = tmp_path / "backups"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(template, folder, copy_function=shutil.copy2)
        options = Options(backup_folder=str(folder), backup_keep=1, backup_hook="/bin/true")
        (state / "backups.json").write_bytes(notes.replace(b"proven_at", b"proven_AT"))
        try:
            with killed_at(step, monkeypatch, STEPS):
                backups().run()
            finished = True
        except Killed:
            pass
        there = all_of(folder)
        assert there
        if (folder / before.path.name / "manifest.json").exists():
            assert there[0].path.name == before.path.name
        for one in there:
            shutil.rmtree(other, ignore_errors=True)
            assert restore(one.path, other, Wishes(), host.now, QUIET, key_of=state).missing == ()
        done = backups().run()
        assert done.failures == [], step
        (left,) = folder.iterdir()
        assert [one.path for one in all_of(folder)] == [left]
        step += 1
    assert step > 20
    shutil.copy2(state / "key", other / "key")
    record = await opened(other)[MessageStore].get(host.server.id, stays.id)
    assert record.message.id == stays.id
