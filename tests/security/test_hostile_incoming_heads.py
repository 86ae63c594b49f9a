"""A header of whatever a stranger likes costs little to read, with no step of Python for each of its octets (A26)."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable

import pytest

from chalicelib.domain.incoming.head import with_head
from chalicelib.domain.incoming.loops import has_gone_round, was_delivered_to
from chalicelib.domain.incoming.reports.read import read_report
from chalicelib.domain.inspection import Inspection
from chalicelib.domain.mail.content import read_content
from chalicelib.domain.mail.headers import read_headers
from chalicelib.domain.mail.newlines import has_bare_newline

US = "mx.posthorn.example"
MEBIBYTE = 1 << 20
# Steps of Python take from 0.5 to 4 seconds for a mebibyte; what is read in C takes up to 0.05.
MOST_SECONDS = 0.25
MOST_MEMORY = 64 << 20
NAMES = [
    b"Authentication-Results", b"Received", b"Delivered-To", b"X-Postal-Spam", b"Content-Type",
    b"Content-Transfer-Encoding", b"Subject", b"Message-ID", b"X",
]  # fmt: skip
FILLERS = [
    b"(", b"\\", b'"', b"=?", b"=?utf-8?q?a?= ", b"\x01", b"<", b",", b";", b":", b"\r\n ", b"()", b"a()", b"a ",
    b"(" * 900 + b"\r\n ",
]  # fmt: skip


def repeated(one: bytes, size: int = MEBIBYTE) -> bytes:
    return one * (size // len(one))


def looked_at(content: bytes) -> None:
    assert not has_bare_newline(content)
    headers = read_headers(content)
    headers.last_text("subject")
    has_gone_round(headers, US, 1)
    was_delivered_to(headers, "a@b.example")
    with_head(content, Inspection(), US)


def is_cheap(run: Callable[[bytes], object], content: bytes) -> bool:
    """Whether each MiB takes little CPU in one of three tries, because a busy machine may be slow once."""
    most = MOST_SECONDS * max(1, len(content) // MEBIBYTE)
    return any(seconds(run, content) < most for _ in range(3))


def seconds(run: Callable[[bytes], object], content: bytes) -> float:
    began = time.process_time()
    run(content)
    return time.process_time() - began


@pytest.mark.parametrize("name", NAMES, ids=bytes.decode)
def test_one_field_of_a_mebibyte(name: bytes) -> None:
    for filler in FILLERS:
        content = name + b": " + repeated(filler) + b"x\r\nFrom: a@b.example\r\n\r\nHi\r\n"
        assert is_cheap(looked_at, content), filler
        assert is_cheap(read_content, content), filler
        assert is_cheap(read_report, content), filler


@pytest.mark.parametrize(
    "field",
    [
        b"Authentication-Results: x\r\n",
        b"Authentication-Results:" + b"(" * 900 + b"\r\n",
        b"Authentication-Results:" + b"a()" * 300 + b"\r\n",
        b"X-Postal-Spam:\r\n",
        b"X-Postal-Spam:\r\nA:\r\n",
    ],
)
def test_many_fields(field: bytes) -> None:
    assert is_cheap(looked_at, repeated(field) + b"\r\nHi\r\n")


@pytest.mark.parametrize("filler", FILLERS)
def test_each_further_mebibyte_costs_no_more_than_the_first(filler: bytes) -> None:
    content = b"Authentication-Results: " + repeated(filler, 8 * MEBIBYTE) + b"\r\n\r\n"
    assert is_cheap(looked_at, content)


@pytest.mark.parametrize("filler", FILLERS)
def test_memory(filler: bytes) -> None:
    content = b"Authentication-Results: " + repeated(filler) + b"\r\n\r\n"
    tracemalloc.start()
    try:
        looked_at(content)
        assert tracemalloc.get_traced_memory()[1] < MOST_MEMORY
    finally:
        tracemalloc.stop()
