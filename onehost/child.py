"""A process of `posthorn serve` as its supervisor sees it: started with the sockets, listened to, ended."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from onehost.listeners import HANDED_OVER, Sockets, rendered
from onehost.watched_process import WatchedProcess

NUMBER, PIPE = "POSTHORN_PROCESS", "POSTHORN_PIPE"
READY, ALIVE, FAILED = b"ready", b"alive", b"failed "
COULD_NOT_BEGIN = 1


class Child(WatchedProcess):
    """Process `number`; `module` is what it runs."""

    def __init__(
        self,
        number: int,
        module: str,
        environment: Mapping[str, str],
        sockets: Sockets,
        log: Path | None = None,
    ) -> None:
        super().__init__([sys.executable, "-m", module], log)
        self.number = number
        self.pipe = -1
        self.is_ready = False
        self.failure = ""
        self._environment = environment
        self._sockets = sockets
        self._heard_at = 0.0

    def start(self) -> None:
        """Run it, with a pipe on which it says how it is."""
        if self.pipe >= 0:
            os.close(self.pipe)
        self.pipe, theirs = os.pipe()
        inherited = [each.fileno() for some in self._sockets.values() for each in some]
        ours = {HANDED_OVER: rendered(self._sockets), NUMBER: str(self.number), PIPE: str(theirs)}
        self.run({**self._environment, **ours}, [*inherited, theirs])
        os.close(theirs)
        self.is_ready, self.failure = False, ""
        self._heard_at = time.monotonic()

    @property
    def could_not_begin(self) -> bool:
        """Whether it has ended because it cannot serve; `failure` is the sentence in which it said why."""
        if self.process is None or self.process.returncode != COULD_NOT_BEGIN:
            return False
        while self.pipe >= 0:
            self.listen()
        return True

    def hang_up(self) -> None:
        """Pass SIGHUP on to it; one that is not ready yet reads everything anew anyway."""
        if self.process and self.is_ready:
            self.process.send_signal(signal.SIGHUP)

    def listen(self) -> None:
        """Take what it says."""
        said = os.read(self.pipe, 4096)
        if not said:
            os.close(self.pipe)
            self.pipe = -1
            return
        self._heard_at = time.monotonic()
        for line in said.splitlines():
            if line.startswith(FAILED):
                self.failure = line.removeprefix(FAILED).decode("utf-8", "replace")
            self.is_ready = self.is_ready or line == READY

    def serves(self, seconds: float) -> bool:
        """Whether it runs, has begun to serve, and was heard within so many seconds."""
        return self.is_running and self.is_ready and self.silence() <= seconds

    def silence(self) -> float:
        """Seconds since it was heard."""
        return time.monotonic() - self._heard_at
