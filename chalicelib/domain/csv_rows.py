"""CSV as people bring and take it: read a piece at a time, row by row, in time that grows with its length alone.

A piece begins where a row does. What is read of it are the rows that end in it; a row that does not is begun anew with
more bytes behind it, so that nothing but a place in the file has to be remembered between pieces.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chalicelib.domain.errors import Rejected

LONGEST_ROW = 65_536
MOST_CELLS = 1_000
GUARDED = ("=", "+", "-", "@", "'", "\t", "\r")
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_LINE_END = re.compile(rb"\r\n|\n|\r")
_BLANKS = re.compile(rb"[ \t]*+")
_QUOTED = re.compile(rb'"((?:[^"]++|"")*+)')
_PLAIN = {b",": re.compile(rb"[^,\r\n]*+"), b";": re.compile(rb"[^;\r\n]*+")}
_QUOTED_HEADER = re.compile(rb'"[^"]*+"')


@dataclass(frozen=True, slots=True)
class Row:
    """The cells of a row, the line of the file on which it begins, from 1, and where the next one begins in the piece,
    at which line. `fault` says why its cells cannot be read."""

    cells: tuple[str, ...]
    line: int
    end: int
    next_line: int
    fault: str = ""


def start_of(piece: bytes) -> int:
    """Where the first row of a file begins. Rejected for a file of another encoding."""
    if piece.startswith(_UTF_16):
        raise Rejected("The file is UTF-16; it must be UTF-8")
    return len(codecs.BOM_UTF8) if piece.startswith(codecs.BOM_UTF8) else 0


def delimiter_of(header: bytes) -> bytes:
    """What stands between the cells of a header line."""
    line = _LINE_END.split(_QUOTED_HEADER.sub(b"", header[:LONGEST_ROW]), maxsplit=1)[0]
    return b";" if line.count(b";") > line.count(b",") else b","


def rows_of(
    piece: bytes, line: int, delimiter: bytes, *, is_last: bool, start: int = 0
) -> Iterator[Row]:
    """The rows of a piece that begins with one, at this line; blank lines are passed over. A row that is longer than
    LONGEST_ROW ends with its line. Rejected for what is no text."""
    if (found := piece.find(b"\0")) >= 0:
        line += len(_LINE_END.findall(piece, 0, found))
        raise Rejected(f"Line {line} has a NUL: the file is no CSV in UTF-8")
    at = start
    while at < len(piece):
        row = _row(piece, at, line, delimiter, is_last)
        if row is None:
            return
        at, line = row.end, row.next_line
        if row.fault or any(row.cells):
            yield row


def _row(piece: bytes, start: int, line: int, delimiter: bytes, is_last: bool) -> Row | None:
    """The row that begins there; None when its end is not in the piece."""
    cells: list[bytes] = []
    at = start
    while True:
        cell, at = _cell(piece, at, delimiter, start + LONGEST_ROW, is_last)
        if at > start + LONGEST_ROW:
            return _too_long(piece, start, line, is_last)
        if at >= len(piece) and not is_last:
            return None
        if len(cells) < MOST_CELLS:
            cells.append(cell)
        if piece[at : at + 1] != delimiter:
            break
        at += 1
    if piece[at : at + 1] == b"\r" and at + 1 == len(piece) and not is_last:
        return None  # a line feed may follow
    ended = _LINE_END.match(piece, at)
    end = ended.end() if ended else at
    after = line + len(_LINE_END.findall(piece, start, end))
    try:
        texts = tuple(one.decode() for one in cells)
    except UnicodeDecodeError:
        return Row((), line, end, after, "is not UTF-8")
    return Row(texts, line, end, after)


def _cell(piece: bytes, at: int, delimiter: bytes, most: int, is_last: bool) -> tuple[bytes, int]:
    """The cell that begins there and where it ends: at a delimiter, a line's end or that of the piece. One whose quotes
    are not closed as they should be is taken as it stands."""
    blanks = _BLANKS.match(piece, at)
    first = blanks.end() if blanks else at
    quoted = _QUOTED.match(piece, first, most + 1)
    if quoted is not None:
        closed = quoted.end()
        if closed > most or (closed >= len(piece) and not is_last):
            return b"", closed
        after = _BLANKS.match(piece, closed + 1)
        end = after.end() if after else closed + 1
        if closed < len(piece) and piece[end : end + 1] in (delimiter, b"\r", b"\n", b""):
            return quoted[1].replace(b'""', b'"').strip(b" \t"), end
    plain = _PLAIN[delimiter].match(piece, at, most + 1)
    end = plain.end() if plain else at
    return piece[at:end].strip(b" \t"), end


def _too_long(piece: bytes, start: int, line: int, is_last: bool) -> Row | None:
    """A row whose end is not found in time: it is given up at the end of its first line."""
    ended = _LINE_END.search(piece, start)
    if ended is None and not is_last:
        return None
    end = ended.end() if ended else len(piece)
    return Row((), line, end, line + 1, f"is longer than {LONGEST_ROW:,} bytes")


def rendered(cells: Sequence[str]) -> str:
    """A row as it is given out: cells that a spreadsheet might compute have a `'` in front."""
    return ",".join(map(_rendered, cells)) + "\r\n"


def _rendered(cell: str) -> str:
    guarded = f"'{cell}" if cell.startswith(GUARDED) else cell
    if any(sign in guarded for sign in ',;"\r\n') or guarded != guarded.strip():
        return '"' + guarded.replace('"', '""') + '"'
    return guarded


def unguarded(cell: str) -> str:
    """A cell without the `'` that keeps a spreadsheet from computing it."""
    return cell[1:] if cell[:1] == "'" and cell[1:].startswith(GUARDED) else cell
