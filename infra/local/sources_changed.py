"""Notices that somebody edited the code, by looking at modification times a few times a second."""

from __future__ import annotations

import time
from pathlib import Path

from infra.local.plan import ROOT

LOOK_EVERY = 0.5
FOLDERS = ("chalicelib", "functions")
ENDINGS = (".py", ".html", ".css")


class SourceWatch:
    """Ask `changed` as often as you like."""

    def __init__(self, root: Path = ROOT) -> None:
        self._root = root
        self._next = 0.0
        self._seen = self._look()

    def changed(self) -> Path | None:
        """A file (relative to the repository) that appeared, went or was written since the last call; else None."""
        if time.monotonic() < self._next:
            return None
        self._next = time.monotonic() + LOOK_EVERY
        before, self._seen = self._seen, self._look()
        if before == self._seen:
            return None
        different = dict(before.items() ^ self._seen.items())
        return min(different).relative_to(self._root)

    def _look(self) -> dict[Path, int]:
        found = {}
        for folder in FOLDERS:
            for path in (self._root / folder).rglob("*"):
                if path.suffix in ENDINGS:
                    try:
                        found[path] = path.stat().st_mtime_ns
                    except FileNotFoundError:
                        continue  # written through a temporary file
        return found
