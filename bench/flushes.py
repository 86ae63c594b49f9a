"""How often processes flush to the disk, counted from outside with strace(1); it slows them, so no time is taken."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

CALLS = ("fsync", "fdatasync", "syncfs", "sync_file_range", "msync")
ATTACH_SECONDS = 1.0


def flushes_during(pids: Sequence[int], work: Callable[[], object]) -> int | None:
    """How many calls that flush these processes, and those that they start, make while `work` runs; None where strace
    is not installed."""
    strace = shutil.which("strace")
    if strace is None:
        print("strace is not installed: the peers' fsyncs are not counted", file=sys.stderr)
        return None
    with tempfile.TemporaryDirectory(prefix="posthorn-strace-") as folder:
        calls = Path(folder) / "calls"
        attached = [part for pid in pids for part in ("-p", str(pid))]
        command = [
            strace,
            "-f",
            "-qq",
            "-e",
            f"trace={','.join(CALLS)}",
            "-o",
            str(calls),
            *attached,
        ]
        tracing = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            time.sleep(ATTACH_SECONDS)
            work()
            time.sleep(ATTACH_SECONDS)
        finally:
            tracing.send_signal(signal.SIGINT)
            tracing.wait(30)
        return count_flushes(calls.read_text(errors="replace"))


def count_flushes(text: str) -> int:
    """The calls in what strace wrote; one that was interrupted by another process's line counts once."""
    return sum(
        any(f" {call}(" in line for call in CALLS) and "= -1" not in line
        for line in text.splitlines()
    )
