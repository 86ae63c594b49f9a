"""A file of suppressions: what its first line says, and the rows behind it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from chalicelib.domain.csv_rows import Row, delimiter_of, rows_of, start_of
from chalicelib.domain.errors import Rejected
from chalicelib.domain.mail.suppression_rows import Columns, Given, columns_of
from chalicelib.domain.suppression import Reason
from chalicelib.services.jobs.kinds import Parameters


@dataclass(frozen=True, slots=True)
class Format:
    """What the first line of a file says, and what the job says of all others."""

    columns: Columns
    delimiter: bytes
    start: int
    first_line: int
    given: Given


def format_of(head: bytes, parameters: Parameters, *, is_whole: bool) -> Format:
    """What a file's first line says. Rejected for what is no such file."""
    start = start_of(head)
    delimiter = delimiter_of(head[start:])
    header = next(rows_of(head, 1, delimiter, is_last=is_whole, start=start), None)
    if header is None or header.fault:
        raise Rejected("The file has no header line")
    reason = parameters.get("reason")
    given = Given(False, parameters.get("stream"), None if reason is None else Reason(reason))
    return Format(columns_of(header.cells), delimiter, header.end, header.next_line, given)


def counted(rows: Iterator[Row]) -> tuple[int, Row | None]:
    """How many there are, and the last of them."""
    count, last = 0, None
    for row in rows:
        count, last = count + 1, row
    return count, last


def rows_in(data: bytes, form: Format, *, is_last: bool) -> Iterator[Row]:
    """Those behind the first line; of the last only where it `is_last`."""
    return rows_of(data, form.first_line, form.delimiter, is_last=is_last, start=form.start)
