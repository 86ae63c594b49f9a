"""Bodies of a state folder or a backup compared with what their heads say, a megabyte at a time.

A missing segment is not a fault of each of its messages: `missing` counts them.
"""

from __future__ import annotations

import os
import zlib
from pathlib import Path
from typing import Self

from chalicelib.adapters.sqlite.segments import HEAD, MAGIC
from chalicelib.domain.model import BlobRef
from chalicelib.domain.no_body import NO_BODY
from chalicelib.domain.numbering import ServerId

UPLOADS = "u/"
_PIECE = 1024 * 1024


class Bodies:
    """Reads the bodies below a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ""
        self._descriptor = -1
        self._last: tuple[BlobRef, str] | None = None
        self.missing: dict[str, tuple[int, int]] = {}
        """Segments that are not there: how many messages have a body in each, and the key of the first."""

    def fault(self, ref: BlobRef, server: ServerId, message: int) -> str:
        """What is wrong with a message's body, as the end of a sentence; empty when nothing is, or its segment is
        missing."""
        if ref == NO_BODY:
            return ""
        if self._last is None or self._last[0] != ref:
            self._last = (ref, self._examined(ref, server))
        if self._descriptor < 0:
            path = self._path(ref.key).relative_to(self._folder).as_posix()
            count, first = self.missing.get(path, (0, message))
            self.missing[path] = (count + 1, first)
        return self._last[1]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give back the open segment."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._key, self._descriptor, self._last = "", -1, None

    def _examined(self, ref: BlobRef, server: ServerId) -> str:
        if not self._open(ref.key):
            return ""
        if ref.key.startswith(UPLOADS):
            size = os.fstat(self._descriptor).st_size
            return "" if size >= ref.offset + ref.length else f"has its upload {ref.key} cut off"
        start = ref.offset - HEAD.size
        head = os.pread(self._descriptor, HEAD.size, start) if start >= 0 else b""
        if len(head) < HEAD.size:
            return f"has its body after the end of {ref.key}"
        if not any(head):
            return "" if self._is_given_back(ref) else f"has no body at {ref.offset} of {ref.key}"
        magic, length, crc, owner = HEAD.unpack(head)
        if (magic, length, owner) != (MAGIC, ref.length, server & 0xFFFFFFFF):
            return f"has no body at {ref.offset} of {ref.key}"
        return "" if self._crc(ref) == crc else f"has a damaged body at {ref.offset} of {ref.key}"

    def _is_given_back(self, ref: BlobRef) -> bool:
        """Whether there is nothing in its place."""
        at, end = ref.offset, ref.offset + ref.length
        while at < end:
            piece = os.pread(self._descriptor, min(_PIECE, end - at), at)
            if not piece or any(piece):
                return False
            at += len(piece)
        return True

    def _crc(self, ref: BlobRef) -> int | None:
        """CRC-32 of the bytes; None when they end before."""
        crc, at, end = 0, ref.offset, ref.offset + ref.length
        while at < end:
            piece = os.pread(self._descriptor, min(_PIECE, end - at), at)
            if not piece:
                return None
            crc = zlib.crc32(piece, crc)
            at += len(piece)
        return crc

    def _open(self, key: str) -> bool:
        """Whether the file is there; it stays open until another is asked for."""
        if key != self._key or self._descriptor < 0:
            self.close()
            try:
                self._descriptor = os.open(self._path(key), os.O_RDONLY | os.O_CLOEXEC)
            except OSError:
                return False
            self._key = key
        return True

    def _path(self, key: str) -> Path:
        return self._folder / file_of(key)


def file_of(key: str) -> str:
    """The path, in a state folder or a backup, of the file with this key."""
    return f"uploads/{key.removeprefix(UPLOADS)}" if key.startswith(UPLOADS) else f"bodies/{key}"
