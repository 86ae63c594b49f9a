"""Where a move is: a small file in the state folder, written after each page, so that a run goes on at its page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from chalicelib.domain.delivery_job import parse_job, render_job
from chalicelib.domain.model import DeliveryJob
from onehost.storage.manifest import write_durably

FINISHED = ""


@dataclass
class Steps:
    """What was done, by the name of a list. `last` is said of what the last run did, because others left out what
    waited, and what they saw may have changed since."""

    path: Path
    last: bool
    begun: bool = False
    _pages: dict[str, str] = field(default_factory=dict)
    _jobs: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.path.exists():
            found = json.loads(self.path.read_bytes())
            self.begun = True
            if found["last"] == self.last:
                self._pages, self._jobs = found["pages"], found["jobs"]

    def begin(self) -> None:
        """Remember that the other side's things are ours."""
        self.begun = True
        self._write()

    def cursor(self, name: str) -> str | None:
        """After which page a list goes on: FINISHED at its end, None at its beginning."""
        return self._pages.get(name)

    def copied(self, name: str, cursor: str | None) -> None:
        """Remember a page by the cursor behind it."""
        self._pages[name] = cursor or FINISHED
        self._write()

    def jobs(self, pool: str) -> list[DeliveryJob] | None:
        """The jobs that were found in a pool's queue; None when nobody has looked."""
        found = self._jobs.get(pool)
        return None if found is None else [parse_job(text) for text in found]

    def found(self, pool: str, jobs: Sequence[DeliveryJob]) -> None:
        """Remember the jobs of a pool."""
        self._jobs[pool] = [render_job(job) for job in jobs]
        self._write()

    def forget(self) -> None:
        """The next run looks at everything again."""
        self._pages, self._jobs = {}, {}
        self._write()

    def _write(self) -> None:
        new = self.path.with_suffix(".new")
        kept = {"last": self.last, "pages": self._pages, "jobs": self._jobs}
        write_durably(new, json.dumps(kept).encode())
        new.rename(self.path)
