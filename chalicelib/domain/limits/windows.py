"""Windows of time in which messages are counted, by slots: a minute of an hour, half an hour of a day, a month whole.

Pure. A window that rolls is as many whole slots as its period has, and the slot that has begun. So at no moment of any
sixty minutes more messages are let through than the limit says, whatever the moment of a slot they were counted at, and
a place comes free at most one slot later than it could: 60 to 61 minutes, 24 to 24½ hours. Exact moments would cost a
row a message.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from chalicelib.domain.tenancy.send_limits import Period

SLOT_SECONDS = {Period.HOUR: 60, Period.DAY: 1_800}
SLOTS = {Period.HOUR: 61, Period.DAY: 49, Period.MONTH: 1}
PERIOD_SECONDS = {Period.HOUR: 3_600, Period.DAY: 86_400}
MONTH_GAP = 60.0
_MONTHS = 12


def slot_of(period: Period, now: float) -> int:
    """The slot that a moment is in."""
    if period is Period.MONTH:
        day = datetime.fromtimestamp(now, UTC)
        return day.year * _MONTHS + day.month - 1
    return int(now) // SLOT_SECONDS[period]


def free_from(period: Period, slot: int) -> float:
    """When what was counted in a slot counts no longer."""
    end = slot + SLOTS[period]
    if period is Period.MONTH:
        year, month = divmod(end, _MONTHS)
        return datetime(year, month + 1, 1, tzinfo=UTC).timestamp()
    return float(end * SLOT_SECONDS[period])


def kept_until(period: Period, now: float) -> int:
    """When a count of this moment may be forgotten."""
    return int(free_from(period, slot_of(period, now) + 1))


def gap(period: Period, most: int) -> float:
    """How far apart what a limit held is sent, at least."""
    if period is Period.MONTH:
        return MONTH_GAP
    return PERIOD_SECONDS[period] / max(1, most)


@dataclass(frozen=True, slots=True)
class Counts:
    """What was counted in the slots of one window, of which `newest` is the one that has begun."""

    period: Period
    newest: int
    slots: Mapping[int, int]

    @property
    def used(self) -> int:
        """How many count at present."""
        return sum(self._in_window().values())

    def free_at(self, most: int, wanted: int, now: float) -> float:
        """When so many more have room; `now` if they have it. What never has room has it when all is free."""
        used, at = self.used, now
        for slot, count in sorted(self._in_window().items()):
            if used + wanted <= most:
                break
            used -= count
            at = max(at, free_from(self.period, slot))
        return at

    def resets_at(self, now: float) -> float:
        """When the first of what counts counts no longer; for a month its end, for what is unused `now`."""
        if self.period is Period.MONTH:
            return free_from(self.period, self.newest)
        found = [slot for slot, count in self._in_window().items() if count > 0]
        return free_from(self.period, min(found)) if found else now

    def _in_window(self) -> dict[int, int]:
        oldest = self.newest - SLOTS[self.period] + 1
        return {slot: count for slot, count in self.slots.items() if slot >= oldest}
