"""What kind of file system a folder lies on, and how much room there is.

Databases with a write-ahead log need memory that processes share and locks that hold, so a file system of another
machine is no place for them. The kernel tells the kind by a number (statfs(2)); what is not in the tables is taken for
a local disk.
"""

from __future__ import annotations

import ctypes
import os
import sys
from dataclasses import dataclass
from pathlib import Path

NETWORK = {
    0x6969: "NFS",
    0x517B: "SMB",
    0xFE534D42: "SMB",
    0xFF534D42: "CIFS",
    0x564C: "NCP",
    0x5346414F: "AFS",
    0x6B414653: "AFS",
    0x73757245: "Coda",
    0x00C36400: "Ceph",
    0x0BD00BD0: "Lustre",
    0x47504653: "GPFS",
    0x01161970: "GFS2",
    0x7461636F: "OCFS2",
    0x786F4256: "VirtualBox shared folder",
}
# Here locks and flushes may hold, or not: it depends on what is behind.
UNSURE = {0x65735546: "FUSE", 0x01021997: "9P"}
IN_MEMORY = {0x01021994: "tmpfs", 0x858458F6: "ramfs"}

LEAST_FREE_SHARE = 0.05
LEAST_FREE_BYTES = 1 << 30
_STATFS_BYTES = 256  # twice what any architecture fills


@dataclass(frozen=True, slots=True)
class Room:
    """Bytes of a file system: free for its ordinary users, in all, and the least that should be free."""

    free: int
    total: int

    @property
    def least(self) -> int:
        """5 %, or 1 GiB where that is less."""
        return min(int(self.total * LEAST_FREE_SHARE), LEAST_FREE_BYTES)


def kind_of(path: Path) -> int:
    """The kernel's number of the file system that a path lies on; OSError."""
    library = ctypes.CDLL(None, use_errno=True)
    found = ctypes.create_string_buffer(_STATFS_BYTES)
    if library.statfs(os.fsencode(path), found) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(path))
    word = found.raw[: ctypes.sizeof(ctypes.c_long)]
    return int.from_bytes(word, sys.byteorder) & 0xFFFFFFFF


def room_at(path: Path) -> Room:
    """How much room there is; OSError."""
    found = os.statvfs(path)
    return Room(found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize)
