"""Processes that are killed with SIGKILL, and which of the connections of others were theirs."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Sequence
from pathlib import Path

HEADINGS = 1
LOCAL, INODE = 1, 9


def kill(processes: Sequence[int]) -> set[int]:
    """SIGKILL for all of them; the TCP ports that they held at that moment."""
    # Stopped first, so that none opens another connection while its ports are read.
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGSTOP)
    ports = {port for process in processes for port in ports_of(process)}
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    return ports


def ports_of(process: int) -> set[int]:
    """The local ports of its TCP sockets; none when it has gone."""
    folder = Path(f"/proc/{process}")
    sockets: set[str] = set()
    try:
        rows = (folder / "net/tcp").read_text().splitlines()[HEADINGS:]
        for descriptor in (folder / "fd").iterdir():
            with contextlib.suppress(FileNotFoundError):
                sockets.add(str(descriptor.readlink()))
    except OSError:
        return set()
    found = [row.split() for row in rows]
    return {
        int(row[LOCAL].rpartition(":")[2], 16)
        for row in found
        if f"socket:[{row[INODE]}]" in sockets
    }
