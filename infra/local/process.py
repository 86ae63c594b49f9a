"""One child process of the local stack: started in a group of its own, logged to a file, ended within a grace period.

Promises that a child never outlives the supervisor on Linux, even when that is killed: the kernel sends the child
SIGTERM then. Elsewhere only an orderly stop is promised.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.local.plan import ROOT

PR_SET_PDEATHSIG = 1
TAIL_BYTES = 8192
QUICK_DEATH_SECONDS = 5.0
BACK_OFF_SECONDS = (0.0, 0.5, 1.0, 2.0, 4.0)


@dataclass(slots=True)
class Child:
    """A command that can be started again and again under one name. `grace` are the seconds that it may take to end."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    grace: float
    process: subprocess.Popen[bytes] | None = None
    quick_deaths: int = 0
    restart_at: float | None = None
    _started_at: float = 0.0

    def start(self, extra: Mapping[str, str] | None = None) -> None:
        """Run the command; its output goes to the end of the log. `extra` adds variables for this start only."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                list(self.command),
                cwd=ROOT,
                env={**self.environment, **(extra or {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,
                preexec_fn=die_with_parent(os.getpid()),  # noqa: PLW1509  # the supervisor has one thread
            )
        self._started_at, self.restart_at = time.monotonic(), None

    @property
    def pid(self) -> int:
        return self.process.pid if self.process else 0

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def keeps_dying(self) -> bool:
        """Whether it has died at once too often; if not, `restart_at` is when it may be started again."""
        # Who is killed from outside did not fail by itself, however often it happens.
        killed = self.process is not None and self.process.returncode == -signal.SIGKILL
        moment = time.monotonic()
        quick = moment - self._started_at < QUICK_DEATH_SECONDS and not killed
        self.quick_deaths = self.quick_deaths + 1 if quick else 0
        if self.quick_deaths == len(BACK_OFF_SECONDS):
            return True
        self.restart_at = moment + BACK_OFF_SECONDS[self.quick_deaths]
        return False

    def how_it_ended(self) -> str:
        """`exit code 1` or `signal SIGKILL`."""
        code = self.process.returncode if self.process else None
        if code is not None and code < 0:
            with contextlib.suppress(ValueError):
                return f"signal {signal.Signals(-code).name}"
        return f"exit code {code}"

    def ask_to_stop(self) -> None:
        if self.process and self.is_running:
            self.process.terminate()

    def wait(self, seconds: float) -> bool:
        """Whether it has ended within this time; True as well when it never ran."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            if self.process:
                self.process.wait(seconds)
            return True
        return False

    def kill(self) -> None:
        """End the child and whatever it started."""
        if self.process:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def last_lines(self, count: int) -> list[str]:
        """The end of its log."""
        try:
            with self.log.open("rb") as log:
                log.seek(max(0, self.log.stat().st_size - TAIL_BYTES))
                return log.read().decode("utf-8", "replace").splitlines()[-count:]
        except OSError:
            return []


def die_with_parent(parent: int) -> Callable[[], None]:
    """What the child does between fork and exec, so that it gets SIGTERM when the supervisor dies."""
    if not sys.platform.startswith("linux"):
        return lambda: None
    prctl = ctypes.CDLL(None, use_errno=True).prctl

    def set_signal() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:  # the supervisor died before the line above
            os._exit(1)

    return set_signal
