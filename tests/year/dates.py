"""Which days are played, and what happens on those that are not like every other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

BEGIN = date(2027, 7, 1)
DAYS = 366
"""A year with a leap day."""
# The receiver of webhooks fails, is given up after three days, and is enabled again.
RECEIVER_FAILS, RECEIVER_WORKS = date(2028, 1, 10), date(2028, 1, 15)
# Somebody sets the clock of the host by local time, where that is changed, and as it should not be.
CORRECTED = {
    date(2027, 10, 31): -3_600,
    date(2028, 3, 12): -3_600,
    date(2028, 3, 26): 2 * 86_400,
}
SHORT_BEGIN = date(2027, 12, 29)
_SHORT = """2027-12-29 2027-12-30 2027-12-31 2028-01-01 2028-01-02 2028-01-10 2028-01-11 2028-01-12 2028-01-13
2028-01-14 2028-01-15 2028-01-20 2028-01-31 2028-02-01 2028-02-28 2028-02-29 2028-03-01 2028-03-12 2028-03-26
2028-03-31 2028-04-01 2028-04-20 2028-04-30 2028-05-01 2028-05-30 2028-05-31"""


@dataclass(frozen=True, slots=True)
class Date:
    """A day of the calendar; on a quiet one nobody sends."""

    day: date
    is_quiet: bool = False

    @property
    def is_first(self) -> bool:
        """Of a month."""
        return self.day.day == 1


def whole_year(days: int = DAYS) -> Iterator[Date]:
    """Mail every day."""
    for number in range(days):
        yield Date(BEGIN + timedelta(number))


def new_year() -> Iterator[Date]:
    """The days around the end of the year."""
    for number in range(5):
        yield Date(SHORT_BEGIN + timedelta(number))


def short_year() -> Iterator[Date]:
    """The days that matter, and the others quiet."""
    busy = {date.fromisoformat(one) for one in _SHORT.split()}
    day = SHORT_BEGIN
    while day <= max(busy):
        yield Date(day, day not in busy)
        day += timedelta(1)
