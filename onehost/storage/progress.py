"""How far long work has come, said at most every two seconds, so that short work says nothing."""

from __future__ import annotations

import time
from collections.abc import Callable

SECONDS = 2.0


class Progress:
    """Tells `say` what is being done."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._next = time.monotonic() + SECONDS

    def at(self, what: str, done: float, total: float = 0) -> None:
        """`done` of `total` are done; a total of 0 is not known."""
        if time.monotonic() < self._next:
            return
        share = f" of {total:,.0f}" if total else ""
        self._say(f"{what}: {done:,.0f}{share}")
        self._next = time.monotonic() + SECONDS
