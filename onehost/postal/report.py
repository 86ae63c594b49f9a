"""What an import did, or would do: counts by kind, what does not fit, what stops working. Nothing secret is in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from chalicelib.domain.postal.other_names import Difference
from chalicelib.domain.postal.wanted import Fit, Note

MOST_NOTES = 10_000
WORDS = {
    Fit.REFUSED: "Not brought",
    Fit.TOLD: "Brought, and different",
}
LEFT = "Changed here, and left as it is"


@dataclass(slots=True)
class Report:
    """`counts` by kind of thing and by what became of it: new, changed, same, left, refused."""

    dry_run: bool
    counts: dict[str, Counter[str]] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    left: list[tuple[str, str]] = field(default_factory=list)
    differences: Sequence[Difference] = ()
    more: int = 0

    def count(self, kind: str, what: str, number: int = 1) -> None:
        """So many of a kind became this."""
        if number:
            self.counts.setdefault(kind, Counter())[what] += number

    def note(self, *notes: Note) -> None:
        """Say what does not fit; beyond MOST_NOTES they are only counted."""
        room = MOST_NOTES - len(self.notes)
        self.notes += notes[:room]
        self.more += len(notes[room:]) if room >= 0 else len(notes)

    def leave(self, what: str, why: str) -> None:
        """Say what was changed here."""
        self.left.append((what, why))

    @property
    def is_clean(self) -> bool:
        """Whether all of it could be brought."""
        return not any(one.fit is Fit.REFUSED for one in self.notes)

    def json(self) -> dict[str, Any]:
        """As an object."""
        return {
            "dry_run": self.dry_run,
            "counts": {kind: dict(found) for kind, found in self.counts.items()},
            "notes": [
                {"kind": one.fit.value, "what": one.what, "text": one.text} for one in self.notes
            ],
            "left": [{"what": what, "text": why} for what, why in self.left],
            "differences": [
                {
                    "name": one.name,
                    "postal": one.postal,
                    "ours": one.ours,
                    "setting": one.setting,
                    "stops": list(one.lost),
                }
                for one in self.differences
            ],
            "not_shown": self.more,
        }

    def text(self) -> str:
        """For people."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield "Nothing was changed: this would be done." if self.dry_run else "This was done."
        for kind, found in self.counts.items():
            told = ", ".join(f"{number:,} {what}" for what, number in sorted(found.items()))
            yield f"  {kind}: {told}"
        for fit, words in WORDS.items():
            yield from _part(words, [f"{n.what}: {n.text}" for n in self.notes if n.fit is fit])
        yield from _part(LEFT, [f"{what}: {why}" for what, why in self.left])
        for one in self.differences:
            what = f"The {one.name} is {one.ours} here and {one.postal} in Postal ({one.setting})"
            yield from _part(f"{what}. These stop working", one.lost)
        if self.more:
            yield f"… and {self.more:,} more notes"


def _part(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield f"{title}:"
        yield from (f"  {line}" for line in lines)
