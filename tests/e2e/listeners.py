"""The ports on which the processes of a stack listen, as the kernel tells them."""

from __future__ import annotations

import ipaddress
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

LISTENING = "0A"
SOCKET = re.compile(r"socket:\[(\d+)\]")


@dataclass(frozen=True, slots=True, order=True)
class Listener:
    """`protocol` is tcp or udp, `host` an address as text."""

    protocol: str
    port: int
    host: str


def listeners_of(processes: list[int]) -> set[Listener]:
    """Every listening TCP socket and every unconnected UDP socket that these processes hold."""
    inodes = {inode for process in processes for inode in _sockets(process)}
    return {
        listener
        for protocol in ("tcp", "tcp6", "udp", "udp6")
        for inode, listener in _bound(protocol)
        if inode in inodes
    }


def _sockets(process: int) -> Iterator[str]:
    try:
        for entry in Path(f"/proc/{process}/fd").iterdir():
            if found := SOCKET.fullmatch(str(entry.readlink())):
                yield found[1]
    except OSError:  # it has just ended, or closed it
        return


def _bound(protocol: str) -> Iterator[tuple[str, Listener]]:
    lines = Path(f"/proc/net/{protocol}").read_text().splitlines()[1:]
    for line in lines:
        _, local, remote, state, *rest = line.split()
        is_udp = protocol.startswith("udp")
        if (state == LISTENING) if not is_udp else remote.endswith(":0000"):
            host, _, port = local.partition(":")
            yield rest[5], Listener(protocol[:3], int(port, 16), _address(host))


def _address(digits: str) -> str:
    """The kernel writes addresses as words of the machine's own byte order."""
    words = [int(digits[at : at + 8], 16) for at in range(0, len(digits), 8)]
    packed = b"".join(struct.pack("=I", word) for word in words)
    return str(ipaddress.ip_address(packed))
