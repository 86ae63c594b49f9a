"""Whatever a message holds and however it is cut, a receiver gets it back and sees one end."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.smtp.dot_stuffing import stuff

PIECES = st.lists(
    st.sampled_from([b".", b"\r\n", b"\r", b"\n", b"a", b"..", b"\r\n.", b".\r\n", b"\0", b"\xff"]),
    max_size=30,
)
CUTS = st.lists(st.integers(0, 60), max_size=8)


def cut(content: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(min(one, len(content)) for one in cuts), len(content)]
    return [content[start:end] for start, end in pairwise(edges)]


def receive(wire: bytes) -> tuple[bytes, bytes]:
    """What a strict receiver makes of the bytes: the message, and what follows its end."""
    content = b""
    rest = wire
    while True:
        line, newline, rest = rest.partition(b"\r\n")
        assert newline, "the message never ended"
        if line == b".":
            return content, rest
        content += (line[1:] if line.startswith(b".") else line) + newline


@given(PIECES, CUTS)
def test_a_receiver_gets_the_message_back(pieces: list[bytes], cuts: list[int]) -> None:
    content = b"".join(pieces)
    got, rest = receive(b"".join(stuff(cut(content, cuts))))
    assert rest == b""
    complete = not content or content.endswith(b"\r\n")
    assert got == (content if complete else content + b"\r\n")


@given(PIECES, CUTS)
def test_the_cuts_do_not_matter(pieces: list[bytes], cuts: list[int]) -> None:
    content = b"".join(pieces)
    assert b"".join(stuff(cut(content, cuts))) == b"".join(stuff([content]))


@given(st.binary(max_size=200).filter(lambda data: b"." not in data))
def test_parts_without_dots_are_not_copied(content: bytes) -> None:
    assert stuff([content])[:-1] == ([content] if content else [])
    assert all(part is content for part in stuff([content])[:-1])


def test_the_cost_is_linear_on_dots() -> None:
    for hostile in (b"\r\n.", b".\r\n", b".", b"\r\n"):
        assert len(b"".join(stuff([hostile * 1_000_000]))) <= 4 * 1_000_000 + 7
