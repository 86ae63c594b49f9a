"""The gateway's log: one line for each transaction, refused connection or fault; JSON, or text for a person.

Mail addresses, content and keys never come here; client addresses only when the operator asked for them, and of those
who failed to authenticate. Lines of one turn of the event loop leave in one write, so a process that is killed may lose
the last few.
"""

from __future__ import annotations

import asyncio
import json
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, TextIO

from chalicelib.domain.log_lines import AUTH_FAILED, as_text, weight

DEEPEST_STACK = 8
_encode = json.JSONEncoder(separators=(",", ":"), default=str).encode
_LEVELS = {
    "fault": "error",
    "accept_paused": "error",
    "certificate_refused": "warning",
    "certificate_stands_in": "error",
    "stopped_late": "warning",
    AUTH_FAILED: "warning",
    "auth_refused": "warning",
}


class Journal:
    """Writes events to a stream, from a level up. `now` gives epoch seconds. `counted`: events by level, of those that
    are no good news."""

    def __init__(
        self,
        stream: TextIO,
        now: Callable[[], float],
        *,
        addresses: bool,
        least: str = "info",
        for_people: bool = False,
    ) -> None:
        self._stream = stream
        self._now = now
        self._addresses = addresses
        self._least = weight(least)
        self._form: Callable[[Mapping[str, Any]], str] = as_text if for_people else _encode
        self._lines: list[str] = []
        self.counted: Counter[str] = Counter()

    def event(self, name: str, client: str | None = None, **fields: object) -> None:
        """One line. `client` is a client's address, left out unless the operator asked for addresses."""
        self._write(name, {"client": client} if client and self._addresses else {}, fields)

    def failed_sign_in(self, client: str, **fields: object) -> None:
        """The line of a client that did not prove who it is, with its address: who guesses can be kept out."""
        self._write(AUTH_FAILED, {"client": client}, fields)

    def fault(self, error: BaseException) -> None:
        """An error that nobody expected, by its class and its places in the code, without its values."""
        frames = traceback.extract_tb(error.__traceback__)[-DEEPEST_STACK:]
        stack = [f"{at.filename}:{at.lineno} {at.name}" for at in frames]
        self.event("fault", error=type(error).__name__, stack=stack)

    def flush(self) -> None:
        """Write what has gathered."""
        if self._lines:
            text = "\n".join(self._lines) + "\n"
            self._lines.clear()
            self._stream.write(text)
            self._stream.flush()

    def _write(self, name: str, client: Mapping[str, object], fields: Mapping[str, object]) -> None:
        level = _LEVELS.get(name, "info")
        if weight(level) < self._least:
            return
        if level != "info":
            self.counted[level] += 1
        first: dict[str, object] = {"time": round(self._now(), 3), "event": name, "level": level}
        self._lines.append(self._form({**first, **client, **fields}))
        if len(self._lines) == 1:
            try:
                asyncio.get_running_loop().call_soon(self.flush)
            except RuntimeError:  # no loop runs before start and after stop
                self.flush()
