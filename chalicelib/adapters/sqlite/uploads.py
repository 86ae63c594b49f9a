"""Files that clients bring: one a ticket, `uploads/<server>/<upload>`, with the time of its ticket as its own.

A file has its name only once all of it is durable; until then, and when the process dies, it lies beside with an
ending. Both are taken away when their time is over. Without a state folder uploads are kept in the process.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from chalicelib.adapters.sqlite.folder import StateFolder, make_own
from chalicelib.adapters.sqlite.segments import GONE, PIECE, sync_folder
from chalicelib.domain.errors import NotFound
from chalicelib.ports.blobs import UPLOAD_KEPT_SECONDS
from chalicelib.ports.rand import Rand

UPLOADS = "u/"  # what their keys begin with


class Uploads:
    """The uploads of a state folder, by key."""

    def __init__(self, folder: StateFolder, rand: Rand) -> None:
        self._folder = folder.file("uploads")
        self._rand = rand
        self._in_memory: dict[str, tuple[bytes, float]] = {}

    def find(self, key: str) -> tuple[int, float]:
        """Bytes of a finished upload, and when its ticket was given; NotFound."""
        if self._folder is None:
            content, at = self._kept(key)
            return len(content), at
        try:
            facts = self._path(self._folder, key).stat()
        except FileNotFoundError as missing:
            raise NotFound(GONE) from missing
        return facts.st_size, facts.st_mtime

    def read(self, key: str, offset: int, length: int) -> bytes:
        """Some of a finished upload; NotFound."""
        if self._folder is None:
            return self._kept(key)[0][offset : offset + length]
        try:
            with self._path(self._folder, key).open("rb") as file:
                return os.pread(file.fileno(), length, offset)
        except FileNotFoundError as missing:
            raise NotFound(GONE) from missing

    def of(self, server: int) -> list[str]:
        """The keys of the finished uploads of a server."""
        start = f"{UPLOADS}{server}/"
        if self._folder is None:
            return sorted(
                key for key in self._in_memory if key.startswith(start) and "." not in key
            )
        folder = self._path(self._folder, start)
        names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else ()
        return [f"{start}{name}" for name in names if "." not in name]

    def begin(self, key: str) -> Upload:
        """A new file, in place of one that was brought with the same ticket once it is kept."""
        if self._folder is None:
            return _InMemory(self._in_memory, key)
        path = self._path(self._folder, key)
        make_own(path.parent)
        return _File(path, path.with_name(f"{path.name}.{self._rand.bytes(6).hex()}"))

    def join(self, key: str, parts: Sequence[str], at: float) -> None:
        """Keep a file made of these, one after the other, and take them away. NotFound when one is not there."""
        whole = self.begin(key)
        try:
            for part in parts:
                size, _ = self.find(part)
                for start in range(0, size, PIECE):
                    whole.write(self.read(part, start, min(PIECE, size - start)))
            whole.keep(at)
        except (OSError, NotFound):
            whole.drop()
            raise
        for part in parts:
            self.remove(part)

    def remove(self, key: str) -> None:
        """Take one away, if it is there."""
        if self._folder is None:
            self._in_memory.pop(key, None)
        else:
            self._path(self._folder, key).unlink(missing_ok=True)

    def remove_old(self, now: float) -> int:
        """Take away finished uploads whose time is over, and what nobody has added to for as long; how many."""
        if self._folder is None:
            over = [key for key, (_, at) in self._in_memory.items() if _is_over(at, now)]
            for key in over:
                del self._in_memory[key]
            return len(over)
        gone = 0
        for path in self._folder.glob("*/*"):
            # An unfinished one has the time of its last byte, which is not of the program's clock.
            moment = time.time() if path.suffix else now
            with contextlib.suppress(FileNotFoundError):
                if _is_over(path.stat().st_mtime, moment):
                    path.unlink()
                    gone += 1
        return gone

    def remove_of(self, start: str) -> int:
        """Take away what has a key that begins so, with `u/<server>/`, unfinished ones too; how many."""
        if self._folder is None:
            ours = [key for key in self._in_memory if key.startswith(start)]
            for key in ours:
                del self._in_memory[key]
            return len(ours)
        gone, folder = 0, self._path(self._folder, start)
        for path in folder.iterdir() if folder.is_dir() else ():
            path.unlink(missing_ok=True)
            gone += 1
        with contextlib.suppress(OSError):  # not there, or somebody adds to it at this moment
            folder.rmdir()
        return gone

    def _path(self, folder: Path, key: str) -> Path:
        return folder / key.removeprefix(UPLOADS)

    def _kept(self, key: str) -> tuple[bytes, float]:
        if key not in self._in_memory:
            raise NotFound(GONE)
        return self._in_memory[key]


def _is_over(at: float, now: float) -> bool:
    return at + UPLOAD_KEPT_SECONDS <= now


class Upload(Protocol):
    """One file while it is brought. `keep` or `drop` ends it."""

    def write(self, piece: bytes | bytearray) -> None:
        """Add bytes; OSError when there is no room."""

    def keep(self, at: float) -> None:
        """Make it durable under its name, as of the time of its ticket."""

    def drop(self) -> None:
        """Forget it."""


class _File:
    def __init__(self, path: Path, beside: Path) -> None:
        self._path, self._beside = path, beside
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._file = os.fdopen(os.open(beside, flags, 0o600), "wb")

    def write(self, piece: bytes | bytearray) -> None:
        self._file.write(piece)

    def keep(self, at: float) -> None:
        with self._file:
            self._file.flush()
            os.utime(self._file.fileno(), (at, at))
            os.fsync(self._file.fileno())
        self._beside.replace(self._path)
        # The server's folder and the one above may be as new as the file.
        for folder in list(self._path.parents)[:3]:
            sync_folder(folder)

    def drop(self) -> None:
        try:
            self._file.close()
        finally:
            self._beside.unlink(missing_ok=True)


class _InMemory:
    def __init__(self, kept: dict[str, tuple[bytes, float]], key: str) -> None:
        self._kept, self._key, self._content = kept, key, bytearray()

    def write(self, piece: bytes | bytearray) -> None:
        self._content += piece

    def keep(self, at: float) -> None:
        self._kept[self._key] = bytes(self._content), at

    def drop(self) -> None:
        self._content.clear()
