"""Reads message content from a connection: DATA up to its end mark, BDAT by count.

Content ends at CRLF `.` CRLF, with the first CRLF being the end of the line before, and at nothing else: `LF.LF`,
`CR.CR`, `LF.CRLF` and `CRLF.LF` stay content, so no smuggled command is ever seen (attacks A12). What is read is told
to the transaction, which counts it; content over a limit is read to its end and dropped, in constant memory. RFC 5321
section 4.5.2, RFC 3030.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable

from chalicelib.domain.errors import Rejected
from gateway import replies
from gateway.transaction import Transaction
from gateway.wire import Wire

END_MARK = b"\r\n.\r\n"
KEPT = len(END_MARK) - 1
_DOT_LINE = re.compile(rb"\r\n\.(\r\n)?")
MOST_DROPPED = 4  # times the limit; who sends on after that is cut


def read_data(wire: Wire, transaction: Transaction, largest: int) -> Awaitable[bytes]:
    """The content of DATA without dot-stuffing. Rejected when it was over `largest` bytes or memory ran out, once it
    has been read to its end; ConnectionResetError when the client went away."""
    return _DataReader(wire, transaction, largest).read()


class _DataReader:
    def __init__(self, wire: Wire, transaction: Transaction, largest: int) -> None:
        self._wire = wire
        self._transaction = transaction
        self._counted = 0
        self._most = largest * 4 // 3 + KEPT  # stuffing may add a third: a line `.` becomes `..`
        self._largest = largest
        self._start = 0
        self._end = -1
        self._stuffed = False
        self._dropped = 0
        self._refusal: Rejected | None = None

    async def read(self) -> bytes:
        wire, buffer = self._wire, self._wire.buffer
        try:
            if not buffer:
                await wire.more(wire.limits.data_seconds)
            buffer[:0] = b"\r\n"  # the end of the command line is the line end before a first `.`
            while not self._find_end(buffer):
                self._bound(buffer)
                await wire.more(wire.limits.data_seconds)
        finally:
            wire.seen = 0  # what had been seen is gone, and no room for as much again
        end = self._end
        with memoryview(buffer) as view:
            content = b"" if self._refusal else bytes(view[2 : end + 2])
        del buffer[: end + len(END_MARK)]
        if self._refusal is not None:
            raise self._refusal
        if self._stuffed:
            content = content.removeprefix(b".").replace(b"\r\n.", b"\r\n")
        self._count(len(content))
        return content

    def _find_end(self, buffer: bytearray) -> bool:
        """Look on for the end mark; the first line with a dot usually is it, and then nothing is stuffed."""
        if not self._stuffed:
            dot = _DOT_LINE.search(buffer, self._start)
            if dot is None:
                self._start = max(0, len(buffer) - KEPT)
                return False
            self._start = dot.start()
            if dot[1] is None and len(buffer) - self._start < len(END_MARK):
                return False  # what follows the dot has not come yet
            self._stuffed = dot[1] is None
        self._end = buffer.find(END_MARK, self._start)
        if self._end < 0:
            self._start = max(0, len(buffer) - KEPT)
        return self._end >= 0

    def _bound(self, buffer: bytearray) -> None:
        self._count(len(buffer))
        if self._refusal is None:
            self._refusal = self._refused(len(buffer))
        if self._refusal is not None:
            self._dropped += max(0, len(buffer) - KEPT)
            del buffer[:-KEPT]
            self._start = 0
            self._count(len(buffer))
            if self._dropped > MOST_DROPPED * self._most:
                self._wire.end()
                raise self._refusal

    def _count(self, size: int) -> None:
        self._transaction.hold(size - self._counted)
        self._counted = size

    def _refused(self, size: int) -> Rejected | None:
        if size > self._most:
            reply = replies.too_large(self._largest)
            return Rejected(reply.text, reply=reply)
        if self._wire.site.is_full:
            return replies.refuse(452, "4.3.1", "Too much mail in progress, try again later")
        return None


async def read_chunk(wire: Wire, transaction: Transaction, count: int) -> int:
    """Add `count` bytes to the chunks. Returns how many of them have not been read because memory ran out;
    ConnectionResetError when the client went away."""
    buffer = wire.buffer
    if transaction.chunks is None:
        transaction.chunks = bytearray()
    while True:
        taken = min(count, len(buffer))
        with memoryview(buffer) as view:
            transaction.chunks += view[:taken]
        del buffer[:taken]
        transaction.hold(taken)
        count -= taken
        if not count or wire.site.is_full:
            return count
        await wire.more(wire.limits.data_seconds)


async def skip_chunk(wire: Wire, count: int) -> None:
    """Read and drop `count` bytes, so that the next byte is a command's."""
    buffer = wire.buffer
    while True:
        dropped = min(count, len(buffer))
        del buffer[:dropped]
        count -= dropped
        if not count:
            return
        await wire.more(wire.limits.data_seconds)
