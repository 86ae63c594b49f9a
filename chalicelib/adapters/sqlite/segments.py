"""Bodies of all servers in append-only files: a process appends to its own, at most a day or 256 MiB each.

In front of each body stand a magic word, its length, its CRC-32 and its server. Bytes are durable once `flush`
returned; each transaction of mail.db, which may name them, flushes before it is committed. Without a state folder the
files are kept in the process.
"""

from __future__ import annotations

import contextlib
import os
import re
import struct
import time
import zlib
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

from chalicelib.adapters.sqlite.folder import BODIES, FlushFailed, StateFolder, make_own
from chalicelib.adapters.sqlite.holes import punch_hole
from chalicelib.adapters.sqlite.mail_schema import MailDatabase
from chalicelib.domain.errors import NotFound
from chalicelib.domain.model import BlobRef
from chalicelib.domain.numbering import ServerId
from chalicelib.ports.rand import Rand

LARGEST_SEGMENT = 256 * 1024 * 1024
MAGIC = b"PHb1"
HEAD = struct.Struct(">4sIII")
PIECE = 256 * 1024
_DAY = re.compile(r"\d{8}")
GONE = "The content of this message is no longer kept"


class Segments:
    """The segments of a state folder, and the one that this process appends to."""

    def __init__(self, folder: StateFolder, rand: Rand, database: MailDatabase) -> None:
        self._folder = folder.file(BODIES)
        self._process = rand.bytes(6).hex()
        self._number = 0
        self._key = ""
        self._descriptor = -1
        self._end = 0
        self._dirty = False
        self._in_memory: dict[str, bytearray] = {}
        self.syncs = 0
        database.before_commit(self.flush)

    def append(self, server: ServerId, bodies: Sequence[bytes], now: float) -> list[BlobRef]:
        """Append bodies; one reference a body, in order. They are durable after `flush`."""
        refs = []
        for body in bodies:
            self._room(len(body), now)
            head = HEAD.pack(MAGIC, len(body), zlib.crc32(body), server & 0xFFFFFFFF)
            self._write(head + body)
            refs.append(BlobRef(self._key, self._end - len(body), len(body)))
        return refs

    def flush(self) -> None:
        """Make what was appended durable. FlushFailed; then nothing more is appended to this segment."""
        if self._dirty and self._descriptor >= 0:
            try:
                os.fdatasync(self._descriptor)
            except OSError as error:
                self._abandon()
                raise FlushFailed(*error.args) from error
            self.syncs += 1
        self._dirty = False

    def read(self, ref: BlobRef) -> bytes:
        """The bytes of a reference; NotFound when they are gone, or not what was written."""
        start = max(0, ref.offset - HEAD.size)
        found = self._bytes(ref.key, start, ref.offset + ref.length - start)
        body = found[ref.offset - start :]
        if len(body) != ref.length:
            raise NotFound(GONE)
        if ref.offset >= HEAD.size and _crc(found[: HEAD.size], ref) not in (
            None,
            zlib.crc32(body),
        ):
            raise NotFound(GONE)
        return body

    def pieces(self, ref: BlobRef) -> Iterator[bytes]:
        """The bytes of a reference, some at a time. NotFound when they are gone; when they are not what was written it
        comes in place of the last piece, so that nobody takes what came for the whole."""
        written = None
        if ref.offset >= HEAD.size:
            written = _crc(self._bytes(ref.key, ref.offset - HEAD.size, HEAD.size), ref)
        read, found = 0, 0
        while read < ref.length:
            piece = self._bytes(ref.key, ref.offset + read, min(PIECE, ref.length - read))
            read, found = read + len(piece), zlib.crc32(piece, found)
            if not piece or (read == ref.length and written not in {None, found}):
                raise NotFound(GONE)
            yield piece

    def has(self, ref: BlobRef) -> bool:
        """Whether a body is there, by what stands in front of it."""
        if ref.offset < HEAD.size:
            return False
        try:
            return any(self._bytes(ref.key, ref.offset - HEAD.size, HEAD.size))
        except NotFound:
            return False

    def erase(self, refs: Collection[BlobRef]) -> None:
        """Overwrite bodies, with what stands in front of each, durably, and give their room back where the file system
        can. Those that are gone stay so."""
        for key in {ref.key for ref in refs}:
            self._erase(key, [ref for ref in refs if ref.key == key])

    def _erase(self, key: str, refs: Collection[BlobRef]) -> None:
        if self._folder is None:
            segment = self._in_memory.get(key, bytearray())
            for ref in refs:
                begin, end = max(0, ref.offset - HEAD.size), ref.offset + ref.length
                segment[begin:end] = bytes(len(segment[begin:end]))
            return
        try:
            descriptor = os.open(self._folder / key, os.O_WRONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return
        try:
            end = os.fstat(descriptor).st_size
            for ref in refs:
                at, last = max(0, ref.offset - HEAD.size), min(end, ref.offset + ref.length)
                if punch_hole(descriptor, at, last - at):
                    continue
                while at < last:
                    at += os.pwrite(descriptor, bytes(min(PIECE, last - at)), at)
            os.fdatasync(descriptor)
        finally:
            os.close(descriptor)

    def remove_days(self, is_over: Callable[[str], bool]) -> None:
        """Remove the segments of all days of which this is true, and their folders."""
        if self._folder is None:
            for key in [key for key in self._in_memory if is_over(key[:8])]:
                self.remove(key)
            return
        for folder in self._folder.iterdir() if self._folder.is_dir() else ():
            if not _DAY.fullmatch(folder.name) or not is_over(folder.name):
                continue
            for segment in folder.glob("*.seg"):
                segment.unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # something else lies there
                folder.rmdir()
        if self._folder.is_dir():
            sync_folder(self._folder)

    def remove(self, key: str) -> None:
        """Forget a whole segment."""
        if self._folder is None:
            self._in_memory.pop(key, None)
        else:
            (self._folder / key).unlink(missing_ok=True)

    def _room(self, size: int, now: float) -> None:
        day = time.strftime("%Y%m%d", time.gmtime(now))
        full = self._end + HEAD.size + size > LARGEST_SEGMENT and self._end > 0
        if self._key.startswith(f"{day}/") and not full:
            return
        self.flush()
        self._abandon()
        self._number += 1
        key = f"{day}/{self._process}-{self._number}.seg"
        if self._folder is None:
            self._in_memory[key] = bytearray()
        else:
            self._open(self._folder / key)
        self._key, self._end = key, 0

    def _open(self, path: Path) -> None:
        """A new file whose name is durable before anything names it."""
        # Its number is somebody else's as soon as it is closed.
        closed, self._descriptor = self._descriptor, -1
        if closed >= 0:
            os.close(closed)
        make_own(path.parent)
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        self._descriptor = os.open(path, flags, 0o600)
        for folder in (path.parent, path.parent.parent, path.parent.parent.parent):
            sync_folder(folder)

    def _abandon(self) -> None:
        """Append no more to this segment; what no row names in it is lost."""
        self._key, self._dirty = "", False

    def _write(self, frame: bytes) -> None:
        if self._folder is None:
            self._in_memory[self._key] += frame
        else:
            written, view = 0, memoryview(frame)
            try:
                while written < len(frame):
                    written += os.write(self._descriptor, view[written:])
            except OSError:
                self._abandon()  # a part may have been written, and then nobody knows where it ends
                raise
        self._end += len(frame)
        self._dirty = True

    def _bytes(self, key: str, start: int, length: int) -> bytes:
        if self._folder is None:
            return bytes(self._in_memory.get(key, b"")[start : start + length])
        try:
            descriptor = os.open(self._folder / key, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError as gone:
            raise NotFound(GONE) from gone
        try:
            return os.pread(descriptor, length, start)
        finally:
            os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        raise FlushFailed(*error.args) from error
    finally:
        os.close(descriptor)


def _crc(head: bytes, ref: BlobRef) -> int | None:
    """The CRC-32 in the head of a body. None for a part of a body and for a span of several, whose heads are of another
    length: those cannot be checked. NotFound when the body was taken away: then its head is zero."""
    if not any(head):
        raise NotFound(GONE)
    magic, length, crc, _ = HEAD.unpack(head)
    return crc if (magic, length) == (MAGIC, ref.length) else None
