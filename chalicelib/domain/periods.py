"""Minutes, hours, days and months (UTC) as slots in which something is counted."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum

from chalicelib.domain.durations import DAY


class Period(StrEnum):
    """How long a slot is."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    MONTH = "month"


SECONDS = {Period.MINUTE: 60, Period.HOUR: 3_600, Period.DAY: DAY}
"""A month has none: it is as long as the calendar says."""
STORED = (Period.MINUTE, Period.HOUR, Period.DAY)
"""What is counted; a month is the sum of its days."""


def start_of(period: Period, at: float) -> int:
    """When the slot of this length began in which a time (epoch seconds) lies."""
    if period is not Period.MONTH:
        return int(at // SECONDS[period]) * SECONDS[period]
    moment = datetime.fromtimestamp(at, UTC)
    return int(datetime(moment.year, moment.month, 1, tzinfo=UTC).timestamp())


def slots_between(period: Period, first: int, last: int) -> int:
    """How many slots lie from the one that begins at `first` to the one that begins at `last`, both included."""
    if period is not Period.MONTH:
        return (last - first) // SECONDS[period] + 1
    return _month(last) - _month(first) + 1


def next_after(period: Period, start: int) -> int:
    """When the slot begins that follows the one that begins at `start`."""
    if period is not Period.MONTH:
        return start + SECONDS[period]
    return start_of(period, start + 32 * DAY)


def before(period: Period, start: int, slots: int) -> int:
    """When the slot began that lies so many before the one that begins at `start`; never before 1970."""
    if period is not Period.MONTH:
        return max(0, start - slots * SECONDS[period])
    month = max(_month(0), _month(start) - slots)
    return int(datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC).timestamp())


def _month(at: int) -> int:
    """The number of a month, counted since the year 0."""
    moment = datetime.fromtimestamp(at, UTC)
    return moment.year * 12 + moment.month - 1
