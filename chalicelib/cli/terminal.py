"""Text for terminals and machines: tables, times, JSON, and foreign text made harmless.

Everything that came from outside – replies, subjects, names – may hold escape sequences that move the cursor or rewrite
what stands above. `visible` shows them instead of obeying them, and everything here passes text through it.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

# Controls, format characters (bidi overrides, zero width), separators of lines, surrogates, private use.
_HIDDEN = frozenset({"Cc", "Cf", "Zl", "Zp", "Cs", "Co", "Cn"})
_DAY = 86_400
_API_TIME = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})T([0-9:]{8})\.[0-9]{3}Z")


def visible(text: str) -> str:
    """The text with every character that a terminal would obey rather than show written as an escape."""
    if text.isprintable():
        return text
    return "".join(
        _escaped(char) if unicodedata.category(char) in _HIDDEN else char for char in text
    )


def visible_lines(content: bytes) -> str:
    """Mail as text that is safe on a terminal: lines kept, undecodable bytes as escapes."""
    text = content.decode("utf-8", "backslashreplace").replace("\r\n", "\n")
    return "\n".join(visible(line.replace("\t", "    ")) for line in text.split("\n"))


def table(rows: Sequence[Sequence[str]], titles: Sequence[str]) -> str:
    """Rows under titles, columns aligned; the cells are made visible here."""
    return Table(titles).text(rows)


class Table:
    """A table that comes in parts: its titles stand over the first, whose columns the others keep if they fit."""

    def __init__(self, titles: Sequence[str]) -> None:
        self._titles = titles
        self._widths = [0] * len(titles)
        self.is_begun = False

    def text(self, rows: Sequence[Sequence[str]]) -> str:
        """The next rows; the cells are made visible here."""
        cells = [] if self.is_begun else [[title.upper() for title in self._titles]]
        cells += [[visible(cell) for cell in row] for row in rows]
        self.is_begun = True
        self._widths = [
            max(width, *(len(row[column]) for row in cells)) if cells else width
            for column, width in enumerate(self._widths)
        ]
        lines = (
            "  ".join(cell.ljust(width) for cell, width in zip(row, self._widths, strict=True))
            for row in cells
        )
        return "\n".join(line.rstrip() for line in lines)


def facts(pairs: Sequence[tuple[str, str]]) -> str:
    """Names and values, one pair a line, values aligned and made visible."""
    width = max((len(name) for name, _ in pairs), default=0)
    return "\n".join(f"{name.ljust(width)}  {visible(value)}".rstrip() for name, value in pairs)


def json_text(
    value: object, *, indent: int | None = 2, default: Callable[[Any], object] | None = None
) -> str:
    """JSON in ASCII, so that nothing in it can act on a terminal either. `default` as json.dumps has it."""
    text = json.dumps(value, indent=indent, ensure_ascii=True, default=default)
    return text.replace("\x7f", "\\u007f")


def moment(epoch: float) -> str:
    """`2026-11-22 14:03:07` in UTC."""
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%d %H:%M:%S")


def clock_time(text: str | None, otherwise: str = "never") -> str:
    """A time of the API, `2026-11-22T14:03:07.250Z`, as `moment` has it; other texts made visible."""
    if text is None:
        return otherwise
    found = _API_TIME.fullmatch(text)
    return f"{found[1]} {found[2]}" if found else visible(text)


def epoch_of(text: str) -> float:
    """Epoch seconds of a time of the API."""
    return datetime.fromisoformat(text).timestamp()


def iso(epoch: float | None) -> str | None:
    """`2026-11-22T14:03:07.250Z` for machines; None stays None."""
    if epoch is None:
        return None
    text = datetime.fromtimestamp(epoch, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def span(seconds: float) -> str:
    """A duration in its two largest units: `3 d 4 h`, `4 min 59 s`, `12 s`."""
    left = max(0, round(seconds))
    parts: list[str] = []
    for size, unit in ((_DAY, "d"), (3600, "h"), (60, "min"), (1, "s")):
        count, left = divmod(left, size)
        if count or (unit == "s" and not parts):
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2])


def yes(flag: bool) -> str:
    """`yes` or `no`."""
    return "yes" if flag else "no"


def _escaped(char: str) -> str:
    code = ord(char)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
