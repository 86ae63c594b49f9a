"""Ports of loopback for servers that cannot choose one by themselves."""

from __future__ import annotations

import socket


def free_port() -> int:
    """A TCP port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
