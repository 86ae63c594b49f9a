"""A process that a supervisor watches: started in a group of its own, again when it dies, ended with all it started.

It never outlives the supervisor on Linux, even when that is killed: the kernel sends it SIGTERM then. Elsewhere only an
orderly stop is promised. Standard library only.
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
from pathlib import Path

PR_SET_PDEATHSIG = 1
QUICK_DEATH_SECONDS = 5.0
BACK_OFF_SECONDS = (0.0, 0.5, 1.0, 2.0, 4.0)
TAIL_BYTES = 8_192


class WatchedProcess:
    """A command that can be started again and again. Its output goes to the end of `log`, or where the supervisor's
    goes."""

    def __init__(self, command: Sequence[str], log: Path | None = None) -> None:
        self.log = log
        self.process: subprocess.Popen[bytes] | None = None
        self._command = command
        self._started_at = 0.0
        self._quick_deaths = 0
        self._again_at: float | None = None

    def run(self, environment: Mapping[str, str], handed_over: Sequence[int] = ()) -> None:
        """Run it, with these open files."""
        output = self.log.open("ab") if self.log else contextlib.nullcontext()
        with output as stream:
            self.process = subprocess.Popen(  # noqa: S603  # commands of our own
                list(self._command),
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                pass_fds=handed_over,
                process_group=0,
                preexec_fn=die_with_parent(os.getpid()),  # noqa: PLW1509  # the supervisor has one thread
            )
        self._again_at = None
        self._started_at = time.monotonic()

    @property
    def pid(self) -> int:
        """Its process number."""
        return self.process.pid if self.process else 0

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self.process is not None and self.process.poll() is None

    def keeps_dying(self) -> bool:
        """Whether it has died at once too often; asked again and again about the same death, it answers the same."""
        if self._again_at is None:
            moment = time.monotonic()
            # Who is killed from outside did not fail by itself, however often it happens.
            killed = self.process is not None and self.process.returncode == -signal.SIGKILL
            quick = moment - self._started_at < QUICK_DEATH_SECONDS and not killed
            self._quick_deaths = self._quick_deaths + 1 if quick else 0
            if self._quick_deaths < len(BACK_OFF_SECONDS):
                self._again_at = moment + BACK_OFF_SECONDS[self._quick_deaths]
        return self._quick_deaths >= len(BACK_OFF_SECONDS)

    def may_start(self) -> bool:
        """Whether the pause after its death is over."""
        return self._again_at is not None and time.monotonic() >= self._again_at

    def how_it_ended(self) -> str:
        """`exit code 1` or `signal SIGKILL`."""
        code = self.process.returncode if self.process else None
        if code is not None and code < 0:
            with contextlib.suppress(ValueError):
                return f"signal {signal.Signals(-code).name}"
        return f"exit code {code}"

    @property
    def ended_by_fault(self) -> bool:
        """Whether it ended, neither in order nor because it was told to before it could listen."""
        code = self.process.poll() if self.process else None
        return code not in {None, 0, -signal.SIGTERM}

    def last_lines(self, count: int) -> list[str]:
        """The end of its log."""
        if self.log is None:
            return []
        with contextlib.suppress(OSError), self.log.open("rb") as log:
            log.seek(max(0, self.log.stat().st_size - TAIL_BYTES))
            return log.read().decode("utf-8", "replace").splitlines()[-count:]
        return []

    def ask_to_stop(self) -> None:
        """Let it finish what it has in hand."""
        if self.process and self.is_running:
            self.process.terminate()

    def kill(self) -> None:
        """End it, and whatever it started."""
        if self.process:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def die_with_parent(parent: int) -> Callable[[], None]:
    """What a child does between fork and exec, so that it gets SIGTERM when the supervisor dies."""
    if not sys.platform.startswith("linux"):
        return lambda: None
    prctl = ctypes.CDLL(None, use_errno=True).prctl

    def set_signal() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:  # the supervisor died before the line above
            os._exit(1)

    return set_signal
