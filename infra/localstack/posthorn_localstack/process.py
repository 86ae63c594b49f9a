"""A worker process seen from its parent: started, asked, and ended within the time that it is given.

Knows nothing of LocalStack, so that it can be tested without. Requests and answers travel on a pipe of their own; what
the function prints goes to a file that `take_output` empties.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from multiprocessing.connection import Pipe
from pathlib import Path
from typing import Any

WORKER = Path(__file__).with_name("worker.py")


class WorkerEnded(Exception):
    """The worker ended before it answered. Its text says how."""


class WorkerTooSlow(Exception):
    """No answer came in time; the worker has been killed."""


class Worker:
    """One execution environment. It is not safe to ask it twice at a time."""

    def __init__(self, python: str, environment: Mapping[str, str]) -> None:
        self._output = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  # closed by `close`
        # So that what comes after a truncation begins at the beginning.
        fcntl.fcntl(self._output, fcntl.F_SETFL, os.O_RDWR | os.O_APPEND)
        self._pipe, theirs = Pipe()
        try:
            self._process = subprocess.Popen(
                [python, "-X", "utf8", str(WORKER), str(theirs.fileno())],
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=self._output,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,  # a Ctrl-C in the terminal is not for it
            )
        except OSError:
            self._close()
            raise
        finally:
            theirs.close()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def first_words(self, seconds: float) -> dict[str, Any]:
        """What it says once it has imported the handler, or failed to. WorkerEnded, WorkerTooSlow."""
        return self._read(time.monotonic() + seconds)

    def ask(self, request: Mapping[str, Any], seconds: float) -> dict[str, Any]:
        """The answer to a request. WorkerEnded, WorkerTooSlow."""
        deadline = time.monotonic() + seconds
        try:
            self._pipe.send_bytes(json.dumps(request).encode())
        except OSError as error:
            raise WorkerEnded(self._how_it_ended()) from error
        return self._read(deadline)

    def take_output(self) -> str:
        """What has been printed since the last call."""
        descriptor = self._output.fileno()
        size = os.fstat(descriptor).st_size
        text = os.pread(descriptor, size, 0).decode("utf-8", "replace")
        os.ftruncate(descriptor, 0)
        return text

    def end(self) -> None:
        """Kill it, and whatever it started, and free what it held. May be called from any thread, again and again."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def close(self) -> None:
        """Give the pipe and the file back; only when nobody asks any more."""
        self.end()
        self._close()

    def _close(self) -> None:
        self._pipe.close()
        self._output.close()

    def _read(self, deadline: float) -> dict[str, Any]:
        try:
            if self._pipe.poll(max(0.0, deadline - time.monotonic())):
                found: dict[str, Any] = json.loads(self._pipe.recv_bytes())
                return found
        except (EOFError, OSError) as error:
            raise WorkerEnded(self._how_it_ended()) from error
        self.end()
        raise WorkerTooSlow

    def _how_it_ended(self) -> str:
        self.end()
        code = self._process.returncode
        if code < 0:
            return f"Runtime exited with error: signal: {signal.Signals(-code).name}"
        return f"Runtime exited with error: exit status {code}"
