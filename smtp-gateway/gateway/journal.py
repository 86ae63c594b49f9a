"""The gateway's log: one JSON object a line, one line for each transaction, refused connection or fault.

Mail addresses, content and keys never come here; client addresses only when the operator asked for them. Lines of one
turn of the event loop leave in one write, so a process that is killed may lose the last few.
"""

from __future__ import annotations

import asyncio
import json
import traceback
from collections.abc import Callable
from typing import TextIO

_encode = json.JSONEncoder(separators=(",", ":"), default=str).encode


class Journal:
    """Writes events to a stream. `now` gives epoch seconds."""

    def __init__(self, stream: TextIO, now: Callable[[], float], *, addresses: bool) -> None:
        self._stream = stream
        self._now = now
        self._addresses = addresses
        self._lines: list[str] = []

    def event(self, name: str, client: str | None = None, **fields: object) -> None:
        """One line. `client` is a client's address, left out unless the operator asked for addresses."""
        entry: dict[str, object] = {"time": round(self._now(), 3), "event": name, **fields}
        if client is not None and self._addresses:
            entry["client"] = client
        self._lines.append(_encode(entry))
        if len(self._lines) == 1:
            try:
                asyncio.get_running_loop().call_soon(self.flush)
            except RuntimeError:  # no loop runs before start and after stop
                self.flush()

    def fault(self, error: BaseException) -> None:
        """An error that nobody expected, with its trace: for operators, never for clients."""
        trace = "".join(traceback.format_exception(error))
        self.event("fault", error=type(error).__name__, trace=trace)

    def flush(self) -> None:
        """Write what has gathered."""
        if self._lines:
            text = "\n".join(self._lines) + "\n"
            self._lines.clear()
            self._stream.write(text)
            self._stream.flush()
