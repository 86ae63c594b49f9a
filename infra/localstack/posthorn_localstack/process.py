"""A worker process seen from its parent: started, asked, and ended within the time that it is given.

Knows nothing of LocalStack, so that it can be tested without. Requests and answers travel on pipes of their own; what
the function prints goes to a file that `take_output` empties.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

WORKER = Path(__file__).with_name("worker.py")
CHUNK = 1 << 20


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
        read_request, self._requests = os.pipe()
        self._answers, write_answer = os.pipe()
        self._unread = b""
        try:
            self._process = subprocess.Popen(
                [python, "-X", "utf8", str(WORKER), str(read_request), str(write_answer)],
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=self._output,
                pass_fds=(read_request, write_answer),
                start_new_session=True,  # a Ctrl-C in the terminal is not for it
            )
        except OSError:
            self._close()
            raise
        finally:
            os.close(read_request)
            os.close(write_answer)

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
        rest = memoryview(json.dumps(request).encode() + b"\n")
        try:
            while rest:
                rest = rest[os.write(self._requests, rest[:CHUNK]) :]
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
        """Give the pipes and the file back; only when nobody asks any more."""
        self.end()
        self._close()

    def _close(self) -> None:
        for descriptor in (self._requests, self._answers):
            with contextlib.suppress(OSError):
                os.close(descriptor)
        self._output.close()

    def _read(self, deadline: float) -> dict[str, Any]:
        while b"\n" not in self._unread:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._answers], [], [], left)[0]:
                self.end()
                raise WorkerTooSlow
            piece = os.read(self._answers, CHUNK)
            if not piece:
                raise WorkerEnded(self._how_it_ended())
            self._unread += piece
        line, _, self._unread = self._unread.partition(b"\n")
        found: dict[str, Any] = json.loads(line)
        return found

    def _how_it_ended(self) -> str:
        self.end()
        code = self._process.returncode
        if code < 0:
            return f"Runtime exited with error: signal: {signal.Signals(-code).name}"
        return f"Runtime exited with error: exit status {code}"
