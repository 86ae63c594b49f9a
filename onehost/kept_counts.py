"""What all processes have counted, of SMTP, HTTP and their logs: each keeps its counts in `run/`, so that one can tell
those of all.

A process goes on from what its predecessor kept. What was counted since the last keeping, some seconds, is lost when a
process is killed.
"""

from __future__ import annotations

import json
from collections import Counter
from contextlib import suppress
from pathlib import Path

SMTP_FILES, HTTP_FILES, LOG_FILES = "smtp-{}.counts", "http-{}.counts", "log-{}.counts"


class AnswerCounts:
    """How many answers this process has given by HTTP, by the class of their status: `2xx` and so on."""

    def __init__(self) -> None:
        self.numbers: Counter[str] = Counter()

    def count(self, status: int) -> None:
        """One more."""
        self.numbers[f"{status // 100}xx"] += 1


class KeptCounts:
    """The counts of process `number`, kept in the folder `run`; nowhere where there is none."""

    def __init__(
        self, run: Path | None, number: int, numbers: Counter[str], files: str = SMTP_FILES
    ) -> None:
        self._path = run / files.format(number) if run else None
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


def counts_of_all(run: Path | None, files: str) -> Counter[str]:
    """The sums over all processes."""
    found = Counter[str]()
    for path in run.glob(files.format("*")) if run else ():
        found.update(_read(path))
    return found


def _read(path: Path | None) -> dict[str, int]:
    try:
        found: dict[str, int] = json.loads(path.read_text()) if path else {}
    except (OSError, ValueError):
        return {}
    return found
