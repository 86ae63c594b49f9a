"""CSV read a piece at a time: what people's programs write, and what hostile ones do."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.csv_rows import (
    LONGEST_ROW,
    MOST_CELLS,
    Row,
    delimiter_of,
    rendered,
    rows_of,
    start_of,
    unguarded,
)
from chalicelib.domain.errors import Rejected


def read(data: bytes, delimiter: bytes = b",", piece: int = 1_000_000) -> list[Row]:
    """All rows of a file, in pieces of this size."""
    found: list[Row] = []
    at, line = start_of(data), 1
    while True:
        part = data[at : at + piece]
        is_last = at + len(part) >= len(data)
        rows = list(rows_of(part, line, delimiter, is_last=is_last))
        found += rows
        if is_last:
            return found
        if rows:
            at, line = at + rows[-1].end, rows[-1].next_line
            piece = min(piece, 1_000_000)
        else:
            piece *= 2


def cells(data: bytes, delimiter: bytes = b",", piece: int = 1_000_000) -> list[tuple[str, ...]]:
    return [row.cells for row in read(data, delimiter, piece)]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("delimiter", [b",", b";"])
def test_rows_are_read_whatever_they_end_with(end: bytes, delimiter: bytes) -> None:
    lines = [b"address,note", b' a@x , "he said ""no"", twice" ', b"", b'b@x,"two\nlines"', b"c@x,"]
    data = end.join(lines).replace(b",", delimiter)
    assert delimiter_of(data) == delimiter
    text = f'he said "no"{delimiter.decode()} twice'
    expected = [("address", "note"), ("a@x", text), ("b@x", "two\nlines"), ("c@x", "")]
    assert cells(data, delimiter) == expected
    assert cells(data + end, delimiter) == expected
    assert [row.line for row in read(data, delimiter)] == [1, 2, 4, 6]
    for piece in (7, 40):
        assert cells(data, delimiter, piece) == expected


def test_a_byte_order_mark_is_passed_over_and_other_encodings_are_refused() -> None:
    assert start_of(b"\xef\xbb\xbfaddress") == 3
    for wrong in ("address".encode("utf-16"), b"\xfe\xff\x00a"):
        with pytest.raises(Rejected, match="UTF-16"):
            start_of(wrong)
    with pytest.raises(Rejected, match="Line 3 has a NUL"):
        read(b"address\na@x\n\0b@x\n")
    (row,) = read(b"a\xff@x")
    assert (row.cells, row.fault) == ((), "is not UTF-8")


def test_a_row_may_have_one_cell_or_a_thousand() -> None:
    assert cells(b"address\na@x") == [("address",), ("a@x",)]
    (row,) = read(b",".join(b"%d" % number for number in range(5_000)))
    assert len(row.cells) == MOST_CELLS


def test_quotes_that_do_not_close_are_taken_as_they_stand() -> None:
    assert cells(b'"a,b\nc,d"\n') == [("a,b\nc,d",)]
    assert cells(b'a"b,"c"d\ne') == [('a"b', '"c"d'), ("e",)]
    assert cells(b'"open,x\ny') == [('"open', "x"), ("y",)]


def test_a_row_that_is_too_long_is_given_up_with_its_line() -> None:
    found = read(b"a@x\n" + b"x" * (LONGEST_ROW + 1) + b"\nb@x\n")
    assert [(row.line, row.fault) for row in found] == [
        (1, ""),
        (2, "is longer than 65,536 bytes"),
        (3, ""),
    ]
    assert found[2].cells == ("b@x",)


HOSTILE = [
    b'"' * 1_000_000,
    b'"a""b\n' * 100_000,
    b'"""x\n' * 100_000,
    b"," * 1_000_000,
    b"\r" * 1_000_000,
    b'"a,"b,' * 150_000,
    b" " * 1_000_000,
    b'"\n' * 300_000,
    b'"' + b'""\n' * 300_000,
]


@pytest.mark.parametrize("data", HOSTILE, ids=lambda data: repr(data[:6]))
def test_hostile_files_are_read_in_steps_that_grow_with_their_length(data: bytes) -> None:
    assert len(read(data)) <= len(data)


@pytest.mark.parametrize("sign", list("=+-@'\t\r"))
def test_what_a_spreadsheet_would_compute_is_guarded_and_comes_back(sign: str) -> None:
    cell = f"{sign}x@a.example"
    (found,) = cells(rendered([cell, "y"]).encode())
    assert found[0].startswith("'")
    assert unguarded(found[0]) == cell.rstrip()
    assert unguarded("'plain") == "'plain"


SIGNS = "ab äß€\n\r\"',;=+-@"
TEXTS = st.text(st.sampled_from(SIGNS), max_size=12).map(lambda text: text.strip(" \t"))


@given(st.lists(st.lists(TEXTS, min_size=1, max_size=4), max_size=4))
def test_what_is_written_is_read_again_also_by_others(rows: list[list[str]]) -> None:
    wanted = [tuple(row) for row in rows if any(row)]
    text = "".join(rendered(row) for row in wanted)
    assert [tuple(map(unguarded, row)) for row in cells(text.encode())] == wanted
    theirs = csv.reader(io.StringIO(text, newline=""))
    assert [tuple(map(unguarded, row)) for row in theirs] == wanted


@given(st.binary(max_size=300), st.sampled_from([b",", b";"]))
def test_no_bytes_are_read_outside_of_rows(data: bytes, delimiter: bytes) -> None:
    data = data.replace(b"\0", b"0")
    at = line = 1
    for row in rows_of(data, 1, delimiter, is_last=True):
        assert 0 < row.end <= len(data)
        assert at <= row.line <= row.next_line
        at, line = row.line, row.next_line
    assert line <= 1 + data.count(b"\n") + data.count(b"\r")
