"""What was played, written down by whoever played it: the recount to which everything that is counted must be equal."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from chalicelib.domain.statistics import Count


@dataclass
class Book:
    """Sums by month of what happened in the world, the numbers of what was accepted, and the events that were told."""

    months: dict[str, Counter[str]] = field(default_factory=dict)
    accepted: int = 0
    told: Counter[str] = field(default_factory=Counter)
    ids: dict[str, date] = field(default_factory=dict)
    twice: list[str] = field(default_factory=list)
    at_webhook: Counter[str] = field(default_factory=Counter)
    notices: list[str] = field(default_factory=list)

    used: Counter[str] = field(default_factory=Counter)
    behind: int = 0

    def meter(self, at: float, most: int) -> None:
        """A message of a key that may send so many in a month: what is above that waits for the next one, on whose
        first day it is let go one by one. What comes that day stands behind it."""
        month, stands_behind = f"{datetime.fromtimestamp(at, UTC):%Y-%m}", False
        if month not in self.used:
            stands_behind = self.behind > 0
            self.used[month], self.behind = self.behind, 0
        if self.used[month] >= most:
            self.behind += 1
            self.count(Count.HELD, at)
            return
        self.used[month] += 1
        if stands_behind:
            self.count(Count.HELD, at)

    def count(self, what: Count, at: float, number: int = 1) -> None:
        """Add to the month of a moment."""
        month = f"{datetime.fromtimestamp(at, UTC):%Y-%m}"
        self.months.setdefault(month, Counter())[what.value] += number

    def tell(self, id: str, kind: str, day: date) -> None:
        """An event that the list of events has, and of which day it is."""
        if id in self.ids:
            self.twice.append(id)
        self.ids[id] = day
        self.told[kind] += 1

    @property
    def year(self) -> Counter[str]:
        """The sums of all months."""
        return sum(self.months.values(), Counter())
