"""The bytes that have come from a client and were not read yet, and the lines that are cut from them.

A line may end in a bare LF (contract section 3.1). Of a line over the limit nothing is kept, so that no line takes more
memory than the limit; content is read from the same bytes, by `gateway.content`.
"""

from __future__ import annotations

LONGEST_SKIPPED = 64 * 1024
TOO_LONG = b"\n"
"""What `take_line` gives in place of a line over the limit; no line can hold a line feed."""


class LineBuffer(bytearray):
    """`line_deadline` is the time by which the line that has begun must be whole, 0 while none has been waited for."""

    __slots__ = ("_scanned", "_skipped", "line_deadline")

    def __init__(self) -> None:
        self.line_deadline = 0.0
        self._scanned = 0
        self._skipped = 0

    def take_line(self, longest: int) -> bytes | None:
        """The next line without its line end; None when it is not complete, TOO_LONG when over `longest` bytes."""
        end = self.find(b"\n", self._scanned)
        if end < 0:
            self._scanned = len(self)
            if self._scanned > longest:
                self._skipped += self._scanned
                self.forget()
            return None
        self.line_deadline = 0.0
        line = bytes(self[:end])
        del self[: end + 1]
        self._scanned = 0
        if self._skipped or end >= longest:
            self._skipped = 0
            return TOO_LONG
        return line[:-1] if line[-1:] == b"\r" else line

    @property
    def is_flooded(self) -> bool:
        """True when a line without end has gone on for too long."""
        return self._skipped > LONGEST_SKIPPED

    def forget(self) -> None:
        """Drop what has arrived and was not read."""
        self.clear()
        self._scanned = 0
