"""Fuzz target: what a receiving server sends is cut into the same replies however it comes, in bounded memory."""

from __future__ import annotations

from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.reply import Reply
from chalicelib.domain.smtp.replies import LONGEST_LINE, LONGEST_TEXT, ReplyReader

SEEDS = (
    b"220 mx.example.com ESMTP\r\n250-mx.example.com\r\n250-PIPELINING\r\n250 8BITMIME\r\n",
    b"550-5.1.1 No such user\r\n550 5.1.1 here\r\n",
    b"250 " + b"x" * 2_000 + b"\r\n",
    b"250-" + b"y" * 40_000 + b"\r\n250 z\r\n",
)
WORDS = (b"250-", b"250 ", b"421 ", b"550-", b"\r\n", b"\n", b"\r", b"5.7.1 ", b"x" * 1_100)


def fuzz_server_replies(data: bytes) -> None:
    """Whole and in pieces of 7 bytes: the same replies, or no reply at the same place."""
    whole = read(data, max(1, len(data)))
    assert whole == read(data, 7)
    for reply in whole[0]:
        assert 200 <= reply.code <= 599
        assert len(reply.text) <= LONGEST_TEXT + LONGEST_LINE


def read(data: bytes, size: int) -> tuple[list[Reply], bool]:
    """The replies, and whether all of it could be understood."""
    reader = ReplyReader()
    replies: list[Reply] = []
    for start in range(0, len(data), size):
        try:
            reader.feed(data[start : start + size])
        except TemporaryFailure:
            return [*replies, *reader.replies], False
        replies += reader.replies
    return replies, True
