"""Ports of loopback for servers that cannot choose one by themselves."""

from __future__ import annotations

import fcntl
import os
import random
import socket
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

# Below those that the kernel lends to outgoing connections and those that a local stack chooses: one that is free
# stays so until its server has it.
NEVER_LENT_PORTS = range(10_000, 15_000)
_ours: set[int] = set()


def free_port() -> int:
    """A TCP port that was free a moment ago, and that no other process of tests is given while this one lives."""
    for port in random.sample(NEVER_LENT_PORTS, len(NEVER_LENT_PORTS)):
        if port in _ours or not _is_reserved(port):
            continue
        _ours.add(port)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError("no free port was found on the loopback interface")


def _is_reserved(port: int) -> bool:
    """Whether this process has taken the byte of that number now; the kernel gives it back when the process ends."""
    try:
        fcntl.lockf(_reservations(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
    except (BlockingIOError, PermissionError):
        return False
    return True


@cache
def _reservations() -> int:
    """A file of which each byte stands for a port. It stays open: to close it would give back all of them."""
    path = Path(tempfile.gettempdir()) / f"posthorn-ports-{os.getuid()}"
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
