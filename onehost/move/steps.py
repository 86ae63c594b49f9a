"""Where a move is: a small file in the state folder, written after each page, so that a run goes on at its page."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from chalicelib.domain.model import Scope
from chalicelib.domain.numbering import ServerId
from onehost.storage.manifest import write_durably

FINISHED = ""


@dataclass
class Steps:
    """The pages that were copied. `last` is said of pages of the last run, because others left out what waited."""

    path: Path
    last: bool
    begun: bool = False
    _pages: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.path.exists():
            found = json.loads(self.path.read_bytes())
            self.begun = True
            self._pages = found["pages"] if found["last"] == self.last else {}

    def begin(self) -> None:
        """Remember that the other side's things are ours."""
        self.begun = True
        self._write()

    def cursor(self, server: ServerId, scope: Scope) -> str | None:
        """After which page a list goes on: FINISHED at its end, None at its beginning."""
        return self._pages.get(f"{server} {scope}")

    def copied(self, server: ServerId, scope: Scope, cursor: str | None) -> None:
        """Remember a page by the cursor behind it."""
        self._pages[f"{server} {scope}"] = cursor or FINISHED
        self._write()

    def forget_pages(self) -> None:
        """The next run looks at everything again."""
        self._pages = {}
        self._write()

    def _write(self) -> None:
        new = self.path.with_suffix(".new")
        write_durably(new, json.dumps({"last": self.last, "pages": self._pages}).encode())
        new.rename(self.path)
