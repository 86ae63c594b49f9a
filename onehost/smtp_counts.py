"""What the gateways of all processes have counted: each keeps its counts in `run/`, so that one can tell those of all.

A process goes on from what its predecessor kept. What was counted since the last keeping, some seconds, is lost when a
process is killed.
"""

from __future__ import annotations

import json
from collections import Counter
from contextlib import suppress
from pathlib import Path

from chalicelib.services.events.metrics import FurtherMetrics
from gateway.counts import rendered

FILES = "smtp-{}.counts"


class KeptCounts:
    """The counts of process `number`, kept in the folder `run`; nowhere where there is none."""

    def __init__(self, run: Path | None, number: int, numbers: Counter[str]) -> None:
        self._path = run / FILES.format(number) if run else None
        self._numbers = numbers
        numbers.update(_read(self._path))

    def keep(self) -> None:
        """Write them down, if that is possible now."""
        if self._path is None:
            return
        new = self._path.with_suffix(".new")
        with suppress(OSError):
            new.write_text(json.dumps(self._numbers))
            new.replace(self._path)


class SmtpMetrics(FurtherMetrics):
    """The sums over all processes."""

    def __init__(self, run: Path | None) -> None:
        self._run = run

    def text(self) -> str:
        """Prometheus' text format."""
        found = Counter[str]()
        for path in self._run.glob(FILES.format("*")) if self._run else ():
            found.update(_read(path))
        return rendered(found)


def _read(path: Path | None) -> dict[str, int]:
    try:
        found: dict[str, int] = json.loads(path.read_text()) if path else {}
    except (OSError, ValueError):
        return {}
    return found
