"""A restore that dies at any of its steps has put nothing into service, and the next run brings everything back."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from chalicelib.adapters.system.clock import SystemClock
from chalicelib.config import Settings
from chalicelib.domain.errors import PermanentFailure
from chalicelib.domain.model import State
from chalicelib.ports.messages import MessageStore
from onehost.storage import restore as restoring
from onehost.storage.backup import back_up
from onehost.storage.progress import Progress
from onehost.storage.restore import Wishes, restore
from tests.kept_mail import Host, fill, make_host, opened
from tests.killed_steps import Killed, killed_at

QUIET = Progress(lambda text: None)


# What changes files.
STEPS = (
    (os, "fsync"),
    (Path, "rename"),
    (Path, "unlink"),
    (Path, "rmdir"),
    (Path, "mkdir"),
    (shutil, "rmtree"),
    (restoring, "make_ready"),
)


async def test_it_is_killed_at_every_step(
    state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = await make_host(state)
    mail = await fill(host)
    saved = tmp_path / "saved"
    back_up(state, saved, SystemClock(Settings()), QUIET)
    step, finished = 0, False
    while not finished:
        other = tmp_path / f"other{step}"
        other.mkdir(mode=0o700)
        shutil.copy2(state / "key", other / "key")
        for _ in range(2):  # the second run dies too
            try:
                with killed_at(step, monkeypatch, STEPS):
                    restore(saved, other, Wishes(), host.now, QUIET)
                finished = True
                break
            except Killed:
                _is_not_served(other)
        if not finished:
            assert restore(saved, other, Wishes(), host.now, QUIET).held == 3
        again = Host(other, opened(other), host.server, host.principal, host.key)
        for name, message in mail.items():
            record = await again.record(message)
            assert record.state is (State.DONE if name == "done" else State.HELD)
            assert await again.body(message) == await host.body(message)
        step += 1
    assert step > 20


def _is_not_served(folder: Path) -> None:
    """Nothing is there yet, or it is refused."""
    if (folder / "restoring").exists():
        with pytest.raises(PermanentFailure, match="has not come to its end"):
            opened(folder)[MessageStore]
    else:
        assert [path.name for path in folder.iterdir()] == ["key"]
