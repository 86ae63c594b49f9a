"""Fuzz target: files that people import are read whole or in pieces as the same rows, or refused in words."""

from __future__ import annotations

from chalicelib.domain.csv_rows import delimiter_of, rendered, rows_of, start_of
from chalicelib.domain.errors import Rejected
from chalicelib.domain.mail.suppression_rows import Given, columns_of, read_row

SEEDS = (
    b"address,scope,stream,reason,note,expires_at\r\na@b.test,stream,news,bounce,'=1,never\r\n",
    b'\xef\xbb\xbfemail;reason\n"a@b.test";"hard ""bounce"""\n',
    b'status,reason,email,created\r5.1.1,"no such\nuser",a@b.test,1\r',
)
WORDS = (b'"', b'""', b",", b";", b"\r", b"\n", b"\r\n", b"\0", b"\xff\xfe", b"*@", b"'", b"\xc3")


def fuzz_csv(data: bytes) -> None:
    """Read whole and in pieces; each row is an entry or wrong in words."""
    try:
        start = start_of(data)
        delimiter = delimiter_of(data[start:])
        rows = list(rows_of(data, 1, delimiter, is_last=True, start=start))
    except Rejected:
        return
    line, at = 1, start
    for row in rows:
        again = next(rows_of(data[at : row.end], line, delimiter, is_last=True), None)
        assert again is not None
        assert (again.cells, again.fault, again.line) == (row.cells, row.fault, row.line)
        at, line = row.end, row.next_line
        rendered(row.cells)
    try:
        columns = columns_of(rows[0].cells) if rows else None
    except Rejected:
        return
    for row in rows[1:] if columns else ():
        try:
            read_row(row.cells, columns, Given(False), 0.0)  # type: ignore[arg-type]
        except Rejected as wrong:
            assert wrong.public
