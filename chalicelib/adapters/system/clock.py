"""The system's clock, which the local stack may shift.

`now` is the epoch time plus the decimal number of seconds that a named file holds; without a file it is the
epoch time. A missing file means no shift, because a test harness creates it when it first moves the clock. It does not
promise to rise: the system's time may be set back.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from chalicelib.config import Settings
from chalicelib.ports.clock import Clock


class SystemClock(Clock):
    """The `Clock` port over the system's clock. The file is `Settings.clock_file`; empty means none."""

    def __init__(self, settings: Settings) -> None:
        self._file = Path(settings.clock_file) if settings.clock_file else None
        self._stamp = (0, 0)
        self._offset = 0.0

    def now(self) -> float:
        """Epoch seconds, with the file's offset as it is at this moment."""
        return time.time() + self._read_offset() if self._file else time.time()

    def monotonic(self) -> float:
        """Seconds that nobody moves."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait in real time; a moved clock does not shorten it."""
        await asyncio.sleep(seconds)

    def _read_offset(self) -> float:
        # The stat costs microseconds and makes a new file seen at once; the file is read only when it changed.
        if self._file is None:
            return 0.0
        try:
            facts = self._file.stat()
            stamp = (facts.st_mtime_ns, facts.st_size)
            if stamp != self._stamp:
                self._offset = float(self._file.read_text())
                self._stamp = stamp
        except FileNotFoundError:
            self._stamp, self._offset = (0, 0), 0.0
        except (OSError, ValueError):
            pass  # half written: the last good offset stands until the writer is done
        return self._offset
