"""Cuts what an SMTP server sends into replies (RFC 5321 §4.2), in linear time and bounded memory.

A line ends with LF, with or without CR before it. The text of a reply is kept as it came, hostile
or not. A line over 4 KiB, a reply over 100 lines, and anything that is no reply raise
TemporaryFailure: the server cannot be understood at present.
"""

from __future__ import annotations

import functools

from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.reply import Reply, parse_reply

LONGEST_LINE = 4096
MOST_LINES = 100
SHORT_LINE = 80


@functools.lru_cache(maxsize=256)
def _known(line: bytes) -> Reply | None:
    """The reply of one short line. Servers say the same few things to every message."""
    return parse_reply([line])


class ReplyReader:
    """Bytes in, replies out."""

    __slots__ = ("_lines", "_rest")

    def __init__(self) -> None:
        self._rest = b""
        self._lines: list[bytes] = []

    @property
    def is_between_replies(self) -> bool:
        """True when nothing of an unfinished reply is kept."""
        return not self._rest and not self._lines

    def feed(self, data: bytes) -> list[Reply]:
        """Take bytes; return the replies that are now complete."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > LONGEST_LINE:
            raise TemporaryFailure("The server sent a line that is too long.")
        replies = []
        for line in lines:
            if len(line) > LONGEST_LINE:
                raise TemporaryFailure("The server sent a line that is too long.")
            self._lines.append(line[:-1] if line.endswith(b"\r") else line)
            if line[3:4] != b"-":
                replies.append(self._complete())
            elif len(self._lines) >= MOST_LINES:
                raise TemporaryFailure("The server sent a reply of too many lines.")
        return replies

    def _complete(self) -> Reply:
        lines, self._lines = self._lines, []
        short = len(lines) == 1 and len(lines[0]) <= SHORT_LINE
        reply = _known(lines[0]) if short else parse_reply(lines)
        if reply is None:
            raise TemporaryFailure("The server sent something that is no SMTP reply.")
        return reply
