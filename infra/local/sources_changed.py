"""Notices that somebody edited the code, by looking at modification times a few times a second."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from pathlib import Path

from infra.local.plan import ROOT

LOOK_EVERY = 0.5
FUNCTIONS = ("chalicelib", "functions")
EVERYTHING = (*FUNCTIONS, "onehost", "smtp-gateway", "infra/local")
ENDINGS = (".py", ".html", ".css")


class SourceWatch:
    """Looks at these folders. Ask `changed` as often as you like."""

    def __init__(self, folders: Sequence[str] = FUNCTIONS) -> None:
        self._folders = folders
        self._next = 0.0
        self._seen = self._look()

    def changed(self) -> Path | None:
        """A file (relative to the repository) that appeared, went or was written since the last call; else None."""
        if time.monotonic() < self._next:
            return None
        before, self._seen = self._seen, self._look()
        self._next = time.monotonic() + LOOK_EVERY
        different = dict(before.items() ^ self._seen.items())
        return min(different).relative_to(ROOT) if different else None

    def _look(self) -> dict[Path, int]:
        found = {}
        for path in (path for folder in self._folders for path in (ROOT / folder).rglob("*")):
            if path.suffix in ENDINGS:
                with contextlib.suppress(FileNotFoundError):  # written through a temporary file
                    found[path] = path.stat().st_mtime_ns
        return found
