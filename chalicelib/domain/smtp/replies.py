"""Cuts what an SMTP server sends into replies (RFC 5321 §4.2), in linear time and bounded memory.

A line ends with LF, with or without CR before it. The text of a reply is kept as it came, hostile
or not. Whatever its length, a reply means what its code says: of a line the first LONGEST_LINE
octets are kept, of a reply the first lines up to LONGEST_TEXT octets, and of the rest only the codes
are looked at. A reply of more than LONGEST_REPLY octets is handed out by the code that it had until then, and
raises TemporaryFailure, as does anything that is no reply: what follows cannot be understood.
"""

from __future__ import annotations

import functools
from typing import NoReturn

from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.reply import Reply, parse_reply

LONGEST_LINE = 1024
LONGEST_TEXT = 32 * 1024
LONGEST_REPLY = 512 * 1024
SHORT_LINE = 80

_NO_REPLY = "The server sent something that is no SMTP reply."


@functools.lru_cache(maxsize=256)
def _known(line: bytes) -> Reply | None:
    """The reply of one short line. Servers say the same few things to every message."""
    return parse_reply([line])


class ReplyReader:
    """Bytes in, replies out. `replies` are those that the last `feed` completed, also when it raised."""

    __slots__ = ("_kept", "_lines", "_rest", "_size", "replies")

    def __init__(self) -> None:
        self.replies: list[Reply] = []
        self._rest = b""
        self._lines: list[bytes] = []
        self._kept = 0
        self._size = 0

    @property
    def is_between_replies(self) -> bool:
        """True when nothing of an unfinished reply is kept."""
        return not self._rest and not self._lines

    def feed(self, data: bytes) -> list[Reply]:
        """Take bytes; return the replies that are now complete."""
        *lines, rest = (self._rest + data).split(b"\n")
        self.replies = replies = []
        for line in lines:
            if not self._size and len(line) <= SHORT_LINE and line[3:4] != b"-":
                replies.append(_checked(_known(line)))
                continue
            self._take(line)
            if line[3:4] != b"-":
                replies.append(self._complete())
        if len(rest) > LONGEST_LINE:
            self._size += len(rest) - LONGEST_LINE
            rest = rest[:LONGEST_LINE]
        self._rest = rest
        if self._size > LONGEST_REPLY:
            self._break_off(rest)
        return replies

    def _take(self, line: bytes) -> None:
        """Keep a line of the present reply, or see at least that it belongs to it."""
        self._size += len(line)
        if self._size > LONGEST_REPLY:
            self._break_off(line[:LONGEST_LINE])
        if self._kept < LONGEST_TEXT:
            self._lines.append(line[:LONGEST_LINE].removesuffix(b"\r"))
            self._kept += len(self._lines[-1]) + 1
        elif line[:3] != self._lines[0][:3]:
            raise TemporaryFailure(_NO_REPLY)

    def _break_off(self, line: bytes) -> NoReturn:
        """End the present reply with the lines that it has, or else the beginning of its only one."""
        reply = parse_reply(self._lines or [line.removesuffix(b"\r")])
        if reply is not None:
            self.replies.append(reply)
        raise TemporaryFailure("The server sent a reply without end.")

    def _complete(self) -> Reply:
        lines, self._lines = self._lines, []
        self._kept = self._size = 0
        return _checked(parse_reply(lines))


def _checked(reply: Reply | None) -> Reply:
    if reply is None:
        raise TemporaryFailure(_NO_REPLY)
    return reply
