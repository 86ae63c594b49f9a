"""The controlled clock of the local stack: an offset file that every process adds to the machine's time.

The file holds whole or fractional seconds as text; no file means 0. It only ever grows, so no process sees time go
back. Standard library only: the AWS emulator's own environment imports this module too.
"""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from infra.local.folder import write_private

LOOK_EVERY = 0.02
LONGEST_JUMP = 10 * 365 * 86_400.0
_machine_time = time.time


class ClockError(ValueError):
    """An advance that the clock refuses. Its text is fit for the caller."""


def read_offset(path: Path) -> float:
    """Seconds to add to the machine's time; 0 when the file is missing or unreadable."""
    try:
        return float(path.read_text())
    except (OSError, ValueError):
        return 0.0


def advance(path: Path, seconds: float) -> float:
    """Move the clock forward and return the new offset; ClockError for going back or too far."""
    if not 0 <= seconds <= LONGEST_JUMP:  # also false for NaN
        raise ClockError(f"advance must be from 0 to {LONGEST_JUMP:.0f} seconds")
    with path.with_name(f"{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        offset = read_offset(path) + seconds
        if offset > LONGEST_JUMP:
            raise ClockError("the clock is too far ahead already; start with an empty state folder")
        write_private(path, f"{offset:.6f}\n")
    return offset


class LocalClock:
    """Reads the controlled time; looks at the file at most every 20 ms, so that it costs nothing in a loop."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0.0
        self._looked_at = -1.0
        self._stamp: tuple[int, int] | None = None

    def now(self) -> float:
        """Epoch seconds of the local stack."""
        return _machine_time() + self.offset()

    def offset(self) -> float:
        """Seconds ahead of the machine's time."""
        moment = time.monotonic()
        if moment - self._looked_at >= LOOK_EVERY:
            self._looked_at = moment
            self._look()
        return self._offset

    def _look(self) -> None:
        try:
            found = os.stat(self._path)  # noqa: PTH116  # half the price of Path.stat, in a loop's time source
        except OSError:
            return
        stamp = (found.st_ino, found.st_mtime_ns)
        if stamp != self._stamp:
            self._stamp = stamp
            self._offset = read_offset(self._path)
