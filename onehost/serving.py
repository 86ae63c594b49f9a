"""Whether a state folder is being served, by whom and since when: read from `run/`, without the server's help.

The supervisor holds the lock of its file for life. Looking takes a shared lock for a moment, which several may have.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from chalicelib.adapters.sqlite.folder import RUN

SUPERVISOR_LOCK = "supervisor.lock"
PROCESSES = "p-*.lock"
FAILING = "failing"


@dataclass(frozen=True, slots=True)
class Serving:
    """Who serves: the supervisor, since when (epoch seconds), and its processes. 0 for what it does not say."""

    pid: int
    started_at: float
    processes: tuple[int, ...]


def serving(state: Path) -> Serving | None:
    """Who serves the state folder; None when nobody does. OSError when that cannot be read."""
    path = state / RUN / SUPERVISOR_LOCK
    if not path.exists() or not is_held(path):
        return None
    try:
        said = json.loads(path.read_text())
        pid, started_at = int(said["pid"]), float(said["started_at"])
    except (ValueError, KeyError, TypeError):
        pid, started_at = 0, 0.0
    names = [lock.stem for lock in sorted((state / RUN).glob(PROCESSES)) if is_held(lock)]
    pids = [name.split("-")[1] for name in names]
    return Serving(pid, started_at, tuple(int(one) for one in pids if one.isdigit()))


def tell_failing(run: Path, numbers: Sequence[int]) -> None:
    """Note in the folder `run` which processes do not serve; OSError."""
    new = run / f"{FAILING}.new"
    new.write_text(json.dumps(list(numbers)))
    new.replace(run / FAILING)


def failing(run: Path | None) -> tuple[int, ...]:
    """The numbers of the processes that do not serve, as the supervisor noted them; empty when it noted nothing."""
    try:
        return tuple(json.loads((run / FAILING).read_text())) if run else ()
    except (OSError, ValueError):
        return ()


def is_held(path: Path) -> bool:
    """Whether somebody holds the lock of a file; False when the file has just gone."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
