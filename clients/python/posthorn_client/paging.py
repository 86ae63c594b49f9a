"""Lists of the API, page by page, as one row of items."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

LARGEST_PAGE = 100


def items(page: Callable[[str | None], Any]) -> Iterator[Any]:
    """The items of all pages, each page asked for when it is needed. `page` gives that of a cursor, or the first."""
    cursor: str | None = None
    while True:
        found = page(cursor)
        yield from found["data"]
        cursor = found["next_cursor"]
        if not found["has_more"] or cursor is None:
            return
