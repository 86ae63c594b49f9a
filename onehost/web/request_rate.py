"""How many requests of the API a client address may make in a second, counted for all processes of this host.

The count is a file in memory that the processes share, written without locks: two that write at the same moment may let
a request more through. It names nobody for longer than a second, and when it is full more are let through, not fewer.
An address of IPv6 counts with its /64, which is what one subscriber has.
"""

from __future__ import annotations

import mmap
import os
import struct
import zlib

from chalicelib.adapters.sqlite.folder import StateFolder
from chalicelib.services.tenancy.unknown_keys import network_of

MOST = 100
NAME = "requests"
SLOTS = 4_096
PROBES = 8
_SLOT = struct.Struct("=III")  # the address's digest, the second, and how many requests in it


class RequestRate:
    """The counts of this host."""

    def __init__(self, folder: StateFolder) -> None:
        size = SLOTS * _SLOT.size
        if folder.run is None:
            self._counts = mmap.mmap(-1, size)
            return
        descriptor = os.open(folder.run / NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.ftruncate(descriptor, size)
            self._counts = mmap.mmap(descriptor, size)
        finally:
            os.close(descriptor)

    def admits(self, address: str, now: float) -> bool:
        """Count a request at `now` (epoch seconds); whether it is one of the first MOST of its second."""
        second = int(now) & 0xFFFFFFFF
        digest = zlib.crc32(network_of(address, ours=True)[0].encode())
        for probe in range(PROBES):
            at = (digest + probe) % SLOTS * _SLOT.size
            known, when, count = _SLOT.unpack_from(self._counts, at)
            if when != second or known == digest:
                count = count + 1 if (known, when) == (digest, second) else 1
                _SLOT.pack_into(self._counts, at, digest, second, count)
                return count <= MOST
        return True
