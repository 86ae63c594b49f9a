"""However replies are cut into packets they read the same; whatever a server sends is bounded."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.reply import Reply, parse_reply
from chalicelib.domain.reply_reader import LONGEST_LINE, MOST_LINES, ReplyReader

TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40)
REPLIES = st.lists(
    st.tuples(st.integers(200, 599), st.lists(TEXT, min_size=1, max_size=5)), max_size=8
)


def wire(code: int, lines: list[str], newline: str) -> bytes:
    last = len(lines) - 1
    text = (f"{code}{' ' if n == last else '-'}{line}{newline}" for n, line in enumerate(lines))
    return "".join(text).encode()


@given(REPLIES, st.integers(1, 50), st.sampled_from(["\r\n", "\n"]))
def test_packets_do_not_matter(
    replies: list[tuple[int, list[str]]], size: int, newline: str
) -> None:
    data = b"".join(wire(code, lines, newline) for code, lines in replies)
    expected = [
        parse_reply(wire(code, lines, "\n").splitlines() or [b""]) for code, lines in replies
    ]
    reader = ReplyReader()
    got: list[Reply] = []
    for start in range(0, len(data), size):
        got += reader.feed(data[start : start + size])
    assert got == expected
    assert reader.is_between_replies


@given(st.binary(max_size=300))
def test_any_bytes_are_replies_or_a_temporary_failure(data: bytes) -> None:
    try:
        replies = ReplyReader().feed(data)
    except TemporaryFailure:
        return
    assert all(200 <= reply.code <= 599 for reply in replies)


@pytest.mark.parametrize(
    "hostile",
    [
        b"250 " + b"x" * (LONGEST_LINE + 1),
        b"250 " + b"x" * (LONGEST_LINE + 1) + b"\r\n",
        b"250-x\r\n" * (MOST_LINES + 1),
        b" " * 1_048_576,
        b"(" * 1_048_576,
        b"\r\n" * 524_288,
        b"\r" * 1_048_576,
        b"250-\r\n" * 200_000,
    ],
    ids=["long", "long and ended", "many", "spaces", "parentheses", "newlines", "returns", "open"],
)
@pytest.mark.parametrize("size", [1 << 20, 1400])
def test_hostile_input_is_refused(hostile: bytes, size: int) -> None:
    reader = ReplyReader()
    with pytest.raises(TemporaryFailure):
        for start in range(0, len(hostile), size):
            reader.feed(hostile[start : start + size])


def test_a_line_in_single_bytes_is_bounded() -> None:
    reader = ReplyReader()
    count = 0
    with pytest.raises(TemporaryFailure):
        while True:
            reader.feed(b"2")
            count += 1
    assert count == LONGEST_LINE


def test_many_replies_cost_in_proportion() -> None:
    def cost(count: int) -> float:
        data = b"250 2.0.0 Ok\r\n" * count
        best = 9.0
        for _ in range(3):
            begin = time.process_time()
            assert len(ReplyReader().feed(data)) == count
            best = min(best, time.process_time() - begin)
        return best

    assert cost(80_000) < 12 * cost(20_000) + 0.05


def test_the_text_is_kept_as_it_came() -> None:
    [reply] = ReplyReader().feed(b"550-5.7.1 <b>\x1b[31m\r\n550 5.7.1  two  \xff\r\n")
    assert reply.text == "<b>\x1b[31m\ntwo  \ufffd"
    assert (reply.code, reply.enhanced) == (550, "5.7.1")
