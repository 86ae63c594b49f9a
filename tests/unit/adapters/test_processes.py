"""A process that has just begun is not taken for a dead one."""

from __future__ import annotations

import asyncio
import fcntl
from typing import TYPE_CHECKING

from chalicelib.adapters.sqlite import processes
from chalicelib.adapters.sqlite.processes import Processes
from chalicelib.bootstrap import Posthorn
from chalicelib.config import Settings
from tests.fakes import NOW

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_a_process_that_is_looked_at_before_it_has_its_lock_is_alive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(state_folder=str(tmp_path / "state"))
    mine, other = (Posthorn(settings, "sqlite")[Processes] for _ in range(2))
    lock = tmp_path / "state" / "run" / "p-1.lock"
    looked: list[bool] = []

    class Slow:
        """The module `fcntl`, so slow that another process looks first."""

        LOCK_EX, LOCK_NB = fcntl.LOCK_EX, fcntl.LOCK_NB

        def flock(self, descriptor: int, how: int) -> None:
            if not looked and how == fcntl.LOCK_EX:
                looked.append(lock.exists())
                asyncio.run(other.bury(NOW))
            fcntl.flock(descriptor, how)

    monkeypatch.setattr(processes, "fcntl", Slow())
    with mine.alive("p-1"):
        assert looked == [True]
        assert lock.exists()
        asyncio.run(other.bury(NOW))
        assert lock.exists()
    assert not lock.exists()
