"""However replies are cut into packets they read the same; whatever a server sends is bounded."""

from __future__ import annotations

import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.reply import Reply, parse_reply
from chalicelib.domain.smtp.replies import (
    LONGEST_LINE,
    LONGEST_REPLY,
    LONGEST_TEXT,
    ReplyReader,
)

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
        b"250 " + b"x" * (2 * LONGEST_REPLY),
        b"250 " + b"x" * (2 * LONGEST_REPLY) + b"\r\n",
        b"250-x\r\n" * LONGEST_TEXT + b"251 x\r\n",
        b" " * 1_048_576,
        b"(" * 1_048_576,
        b"\r\n" * 524_288,
        b"\r" * 1_048_576,
        b"250-\r\n" * 200_000,
    ],
    ids=[
        "long",
        "long and ended",
        "two codes",
        "spaces",
        "parentheses",
        "newlines",
        "returns",
        "open",
    ],
)
@pytest.mark.parametrize("size", [1 << 20, 1400])
def test_hostile_input_is_refused(hostile: bytes, size: int) -> None:
    reader = ReplyReader()
    with pytest.raises(TemporaryFailure):
        for start in range(0, len(hostile), size):
            reader.feed(hostile[start : start + size])


@pytest.mark.parametrize("size", [1 << 20, 1400])
@pytest.mark.parametrize(
    ("endless", "code"),
    [
        (b"550-5.1.1 more\r\n" * 100_000, 550),
        (b"550 " + b"x" * (2 * LONGEST_REPLY), 550),
        (b"250 2.0.0 taken\r\n250-" + b"x" * (2 * LONGEST_REPLY), 250),
        (b"250-" + b"x" * (2 * LONGEST_REPLY) + b"\r\n", 250),
        (b"250-fine\r\n250-" + b"x" * (2 * LONGEST_REPLY) + b"\r\n", 250),
        (b"x" * (2 * LONGEST_REPLY), None),
    ],
    ids=["lines", "line", "second reply", "ended line", "line after line", "no reply"],
)
def test_a_reply_without_end_means_what_its_code_says(
    endless: bytes, code: int | None, size: int
) -> None:
    reader = ReplyReader()
    got: list[Reply] = []
    with pytest.raises(TemporaryFailure):
        for start in range(0, len(endless), size):
            got += reader.feed(endless[start : start + size])
    got += reader.replies
    assert [reply.code for reply in got[-1:]] == ([] if code is None else [code])
    assert all(len(reply.text) <= LONGEST_TEXT + LONGEST_LINE for reply in got)


def test_a_line_in_single_bytes_is_bounded() -> None:
    reader = ReplyReader()
    count = 0
    with pytest.raises(TemporaryFailure):
        while True:
            reader.feed(b"2")
            count += 1
    assert count == LONGEST_LINE + LONGEST_REPLY


def test_memory_is_bounded_however_much_comes() -> None:
    reader = ReplyReader()
    begin = reader_size(reader)
    for _ in range(LONGEST_REPLY // 7 - 10):
        reader.feed(b"250-x\r\n")
    reader.feed(b"250 " + b"x" * 60)
    assert reader_size(reader) - begin < 16 * LONGEST_TEXT


def reader_size(reader: ReplyReader) -> int:
    lines: list[bytes] = reader._lines
    return sum(map(sys.getsizeof, [*lines, lines, reader._rest]))


LONG = st.tuples(
    st.integers(200, 599), st.lists(st.integers(0, 9_000), min_size=1, max_size=400)
).filter(lambda reply: sum(reply[1]) + 6 * len(reply[1]) < LONGEST_REPLY)


@given(st.lists(LONG, min_size=1, max_size=4), st.integers(1_000, 20_000))
def test_a_reply_of_any_length_is_understood_by_its_code(
    replies: list[tuple[int, list[int]]], size: int
) -> None:
    data = b"".join(
        wire(code, ["y" * length for length in lines], "\r\n") for code, lines in replies
    )
    reader = ReplyReader()
    got: list[Reply] = []
    for start in range(0, len(data), size):
        got += reader.feed(data[start : start + size])
    assert [reply.code for reply in got] == [code for code, _ in replies]
    for reply, (_, lines) in zip(got, replies, strict=True):
        assert len(reply.text) <= LONGEST_TEXT + LONGEST_LINE
        assert reply.text.startswith("y" * min(lines[0], LONGEST_LINE - 4))
    assert reader.is_between_replies


@pytest.mark.parametrize("code", ["250", "550"])
def test_a_long_line_and_many_lines_are_one_reply_each(code: str) -> None:
    line = f"{code} 5.7.1 ".encode() + b"x" * 5_000 + b"\r\n"
    lines = f"{code}-more\r\n".encode() * 1_000 + f"{code} end\r\n".encode()
    first, second = ReplyReader().feed(line + lines)
    assert (first.code, second.code) == (int(code), int(code))
    assert "x" * 250 in first.text
    assert second.text.startswith("more\nmore\n")


def test_what_was_complete_before_the_nonsense_is_handed_out() -> None:
    reader = ReplyReader()
    with pytest.raises(TemporaryFailure):
        reader.feed(b"250 2.0.0 taken\r\nand good bye\r\n")
    assert [reply.text for reply in reader.replies] == ["taken"]


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
