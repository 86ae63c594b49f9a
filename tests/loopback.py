"""Ports of loopback for servers that cannot choose one by themselves."""

from __future__ import annotations

import random
import socket

# Below those that the kernel lends to outgoing connections: one that is free stays so until its server has it.
NEVER_LENT_PORTS = range(15_000, 32_000)


def free_port() -> int:
    """A TCP port that was free a moment ago."""
    for port in random.sample(NEVER_LENT_PORTS, 50):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError("no free port was found on the loopback interface")
