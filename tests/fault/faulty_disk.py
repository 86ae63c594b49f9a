"""A disk that fails where it is told: under SQLite as a VFS over the system's own, under segments as their `os`.

Writes of both are counted together, and so are flushes, which do nothing else: no power is cut here.
`Fault("full", 7)` fails the seventh write once, with `lasting` that and all later ones until `mend`.
"""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw

from chalicelib.adapters.sqlite import segments

FULL, BROKEN, TORN, SHORT, UNFLUSHED = "full", "broken", "torn", "short", "unflushed"
"""No room; an I/O error; a part is written, then there is no room; a part is written; a flush fails."""
OF_SQLITE = {
    FULL: apsw.SQLITE_FULL,
    BROKEN: apsw.SQLITE_IOERR_WRITE,
    TORN: apsw.SQLITE_FULL,
    UNFLUSHED: apsw.SQLITE_IOERR_FSYNC,
}
OF_SYSTEM = {
    FULL: errno.ENOSPC,
    BROKEN: errno.EIO,
    TORN: errno.ENOSPC,
    UNFLUSHED: errno.EIO,
}


@dataclass(frozen=True)
class Fault:
    """What fails at the n-th write or flush from now on; 0 for nothing."""

    kind: str = FULL
    at: int = 0
    lasting: bool = False


class FaultyDisk:
    """Counts, and fails as its fault says."""

    def __init__(self) -> None:
        self.fault = Fault()
        self.writes = self.flushes = 0
        self.struck = ""

    def install(self) -> None:
        """Stand under every database that this process opens from now on, and under its segments."""
        self.vfs = _Vfs(self)
        segments.os = _System(self)  # type: ignore[attr-defined]  # the lowest place that is theirs alone

    def arm(self, fault: Fault) -> None:
        """Count from here, and fail then."""
        self.fault, self.writes, self.flushes = fault, 0, 0

    def mend(self) -> None:
        """Fail no more."""
        self.fault = Fault()

    def strikes_write(self, name: str) -> bool:
        """Whether this write fails."""
        self.writes += 1
        return self.fault.kind != UNFLUSHED and self._strikes(self.writes, name)

    def strikes_flush(self, name: str) -> bool:
        """Whether this flush fails."""
        self.flushes += 1
        return self.fault.kind == UNFLUSHED and self._strikes(self.flushes, name)

    def _strikes(self, count: int, name: str) -> bool:
        fault = self.fault
        strikes = bool(fault.at) and (count >= fault.at if fault.lasting else count == fault.at)
        if strikes and not self.struck:
            self.struck = Path(name).name
        return strikes


class _Vfs(apsw.VFS):
    def __init__(self, disk: FaultyDisk) -> None:
        self._disk = disk
        super().__init__("faulty", "unix", makedefault=True)

    def xOpen(self, name: Any, flags: Any) -> Any:  # noqa: N802  # SQLite's name
        return _File(self._disk, name, flags)


class _File(apsw.VFSFile):
    def __init__(self, disk: FaultyDisk, name: Any, flags: Any) -> None:
        self._disk = disk
        self._name = name.filename() if isinstance(name, apsw.URIFilename) else str(name)
        if flags[0] & apsw.SQLITE_OPEN_READONLY:  # the memory of a log is not shared so
            flags[0] += apsw.SQLITE_OPEN_READWRITE - apsw.SQLITE_OPEN_READONLY
        super().__init__("unix", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802  # SQLite's name
        if self._disk.strikes_write(self._name):
            kind = self._disk.fault.kind
            if kind in (TORN, SHORT):
                super().xWrite(data[: len(data) // 2], offset)
            # SQLite's own VFS goes on after a short write.
            if kind != SHORT:
                raise apsw.exception_for(OF_SQLITE[kind])
            offset += len(data) // 2
            data = data[len(data) // 2 :]
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:  # noqa: N802  # SQLite's name
        if self._disk.strikes_flush(self._name):
            raise apsw.exception_for(OF_SQLITE[UNFLUSHED])


class _System:
    """The module `os` with a disk that fails."""

    def __init__(self, disk: FaultyDisk) -> None:
        self._disk = disk

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def open(self, path: Any, flags: int, *mode: int) -> int:
        """Making a file is a write, which has no parts."""
        strikes = flags & os.O_CREAT and self._disk.strikes_write(str(path))
        if strikes and self._disk.fault.kind != SHORT:
            raise self._error()
        return os.open(path, flags, *mode)

    def write(self, descriptor: int, data: memoryview) -> int:
        """A part, or nothing, when it fails."""
        if not self._disk.strikes_write("segment"):
            return os.write(descriptor, data)
        if self._disk.fault.kind in (TORN, SHORT):
            written = os.write(descriptor, data[: max(1, len(data) // 2)])
            if self._disk.fault.kind == SHORT:
                return written
        raise self._error()

    def fdatasync(self, descriptor: int) -> None:
        """Of a segment."""
        self.fsync(descriptor)

    def fsync(self, descriptor: int) -> None:
        """Of a folder."""
        if self._disk.strikes_flush("segment"):
            raise self._error()

    def _error(self) -> OSError:
        code = OF_SYSTEM.get(self._disk.fault.kind, errno.ENOSPC)
        return OSError(code, os.strerror(code))
