"""A process of `posthorn serve` as its supervisor sees it: started with the sockets, listened to, ended.

It never outlives the supervisor on Linux, even when that is killed: the kernel sends it SIGTERM then.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO

from onehost.listeners import HANDED_OVER, Sockets, rendered

NUMBER, PIPE = "POSTHORN_PROCESS", "POSTHORN_PIPE"
PR_SET_PDEATHSIG = 1
QUICK_DEATH_SECONDS = 5.0
BACK_OFF_SECONDS = (0.0, 0.5, 1.0, 2.0, 4.0)
COULD_NOT_BEGIN = 1
TAIL_BYTES = 8_192


class Child:
    """Process `number`, which can be started again and again. `module` is what it runs; its output goes to the end of
    `log`, or where the supervisor's goes."""

    def __init__(
        self,
        number: int,
        module: str,
        environment: Mapping[str, str],
        sockets: Sockets,
        log: Path | None = None,
    ) -> None:
        self.log = log
        self.number = number
        self._module = module
        self.pipe = -1
        self.is_ready = False
        self._environment = environment
        self._sockets = sockets
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = self._heard_at = 0.0
        self._quick_deaths = 0
        self._again_at: float | None = None

    def start(self) -> None:
        """Run it, with a pipe on which it says how it is."""
        if self.pipe >= 0:
            os.close(self.pipe)
        self.pipe, theirs = os.pipe()
        output = self.log.open("ab") if self.log else contextlib.nullcontext()
        with output as stream:
            self._run(theirs, stream)
        os.close(theirs)
        self.is_ready, self._again_at = False, None
        self._started_at = self._heard_at = time.monotonic()

    def _run(self, theirs: int, output: IO[bytes] | None) -> None:
        inherited = [each.fileno() for some in self._sockets.values() for each in some]
        self._process = subprocess.Popen(  # noqa: S603  # this Python, and our own module
            [sys.executable, "-m", self._module],
            env={
                **self._environment,
                HANDED_OVER: rendered(self._sockets),
                NUMBER: str(self.number),
                PIPE: str(theirs),
            },
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=[*inherited, theirs],
            process_group=0,
            preexec_fn=_die_with(os.getpid()),  # noqa: PLW1509  # the supervisor has one thread
        )

    @property
    def pid(self) -> int:
        """Its process number."""
        return self._process.pid if self._process else 0

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def could_not_begin(self) -> bool:
        """Whether it said in a sentence that it cannot serve."""
        return self._process is not None and self._process.returncode == COULD_NOT_BEGIN

    def listen(self) -> None:
        """Take what it says."""
        said = os.read(self.pipe, 4096)
        if not said:
            os.close(self.pipe)
            self.pipe = -1
            return
        self._heard_at = time.monotonic()
        self.is_ready = self.is_ready or b"ready" in said

    def silence(self) -> float:
        """Seconds since it was heard."""
        return time.monotonic() - self._heard_at

    def keeps_dying(self) -> bool:
        """Whether it has died at once too often; asked again and again about the same death, it answers the same."""
        if self._again_at is None:
            moment = time.monotonic()
            # Who is killed from outside did not fail by itself, however often it happens.
            killed = self._process is not None and self._process.returncode == -signal.SIGKILL
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
        code = self._process.returncode if self._process else None
        if code is not None and code < 0:
            with contextlib.suppress(ValueError):
                return f"signal {signal.Signals(-code).name}"
        return f"exit code {code}"

    def last_lines(self, count: int) -> list[str]:
        """The end of its log."""
        if self.log is None:
            return []
        with self.log.open("rb") as log:
            log.seek(max(0, self.log.stat().st_size - TAIL_BYTES))
            return log.read().decode("utf-8", "replace").splitlines()[-count:]

    def ask_to_stop(self) -> None:
        """Let it finish what it has in hand."""
        if self._process and self.is_running:
            self._process.terminate()

    def kill(self) -> None:
        """End it, and whatever it started."""
        if self._process:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


def _die_with(parent: int) -> Callable[[], None]:
    """What the child does between fork and exec."""
    if not sys.platform.startswith("linux"):
        return lambda: None
    prctl = ctypes.CDLL(None, use_errno=True).prctl

    def set_signal() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:  # the supervisor died before the line above
            os._exit(1)

    return set_signal
