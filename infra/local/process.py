"""One child process of the local stack on an emulator: named, logged to a file, ended within a grace period."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from onehost.watched_process import WatchedProcess


class Child(WatchedProcess):
    """A command under a name. `grace` are the seconds that it may take to end."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        log: Path,
        grace: float,
    ) -> None:
        super().__init__(command, log)
        self.name = name
        self.grace = grace
        self._environment = environment

    def start(self, extra: Mapping[str, str] | None = None) -> None:
        """Run the command; `extra` adds variables for this start only."""
        self.run({**self._environment, **(extra or {})})

    def wait(self, seconds: float) -> bool:
        """Whether it has ended within this time; True as well when it never ran."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            if self.process:
                self.process.wait(seconds)
            return True
        return False
