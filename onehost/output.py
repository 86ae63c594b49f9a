"""Standard output and standard error of a server that goes on when nobody can take what it says.

What cannot be written, because the disk of the log is full or its reader has gone, is lost, and the first line that can
be written again says how much. The standard library's own streams would keep it, fail with each further line, and make
of an orderly end a failure.
"""

from __future__ import annotations

import io
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

MOST_WAITING = 64 * 1024


class Unfailing(io.TextIOBase):
    """Text for an open file, which is written when it is flushed, or `at_once`. Nothing here fails. The log, which is
    what is not `at_once`, tells what it lost."""

    def __init__(self, descriptor: int, *, at_once: bool = False) -> None:
        self._descriptor = descriptor
        self._at_once = at_once
        self._waiting: list[str] = []
        self._size = 0
        self._lost = 0
        self._is_cut = False

    def write(self, text: str) -> int:
        """Keep it for the next flush."""
        self._waiting.append(text)
        self._size += len(text)
        if self._at_once or self._size > MOST_WAITING:
            self.flush()
        return len(text)

    def flush(self) -> None:
        """Write what was kept, or lose it."""
        kept, self._waiting, self._size = self._waiting, [], 0
        content = "".join(kept).encode("utf-8", "backslashreplace")
        if not content:
            return
        before = self._about_loss()
        made = self._count(before)
        if made < len(before):
            self._lost += content.count(b"\n")
            self._is_cut = self._is_cut or made > 0
            return
        done = self._count(content)
        self._lost = content[done:].count(b"\n")
        self._is_cut = 0 < done < len(content)

    def isatty(self) -> bool:
        """Whether a person reads along."""
        return os.isatty(self._descriptor)

    def fileno(self) -> int:
        """The open file."""
        return self._descriptor

    def _about_loss(self) -> bytes:
        """The end of a line that was cut, and how many lines were lost since."""
        end = b"\n" if self._is_cut else b""
        if not self._lost or self._at_once:
            return end
        line = {"time": round(time.time(), 3), "unit": "posthorn.log", "level": "error"}
        told = {**line, "text": "lines could not be written", "lost": self._lost}
        return end + json.dumps(told).encode() + b"\n"

    def _count(self, content: bytes) -> int:
        """How many bytes could be written."""
        done = 0
        while done < len(content):
            try:
                done += os.write(self._descriptor, content[done:])
            except OSError:
                break
        return done


@contextmanager
def unfailing_output() -> Iterator[None]:
    """Have what is printed in the block go that way, unless it goes elsewhere already."""
    before = sys.stdout, sys.stderr
    if sys.stdout is sys.__stdout__:
        sys.stdout = Unfailing(1)
    if sys.stderr is sys.__stderr__:
        sys.stderr = Unfailing(2, at_once=True)
    try:
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        sys.stdout, sys.stderr = before
