"""How pages write statuses, numbers, sizes, durations and times: plain words, one place for each (docs/dashboard.md).

Pure. Whoever reads a page is told what the API calls a status in its title.
"""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from typing import NamedTuple

NOTHING = "–"
SPACE = "\u00a0"  # before units


class StatusWord(NamedTuple):
    """The word for a status, and the class that gives it colour and icon."""

    word: str
    tone: str


STATUSES = {
    "Pending": StatusWord("Waiting", "idle"),
    "SoftFail": StatusWord("Delayed", "late"),
    "Sent": StatusWord("Delivered", "good"),
    "HardFail": StatusWord("Failed", "bad"),
    "Bounced": StatusWord("Bounced", "bad"),
    "Held": StatusWord("Held", "held"),
    "Processed": StatusWord("Processed", "good"),
    "HoldCancelled": StatusWord("Cancelled", "idle"),
    "Error": StatusWord("Delayed", "late"),
}


def status_word(status: str) -> StatusWord:
    """The word for a status of the API; a status that is new stands for itself."""
    return STATUSES.get(status) or StatusWord(status, "idle")


def count(number: int | None) -> str:
    """`4,318`."""
    return NOTHING if number is None else f"{number:,}"


def counted(number: int, one: str, many: str = "") -> str:
    """`1 key`, `2 keys`; `many` where it is not `one` with an s."""
    return f"{count(number)} {one if number == 1 else many or f'{one}s'}"


def share(part: float | None) -> str:
    """A share of 1 as per cent: `99.2%`, `0.02%`, `<0.01%`; small ones are never rounded to 0 nor large ones to 100."""
    if part is None:
        return NOTHING
    per_cent = part * 100
    if per_cent in (0, 100):
        return f"{per_cent:.0f}%"
    if per_cent < 0.01:
        return "<0.01%"
    if per_cent > 99.99:
        return "99.99%"
    digits = 2 if per_cent < 1 or per_cent > 99.9 else 1
    return f"{per_cent:.{digits}f}%"


def size(octets: int | None) -> str:
    """`18.4 kB`, with three digits at most; kB and MB are powers of ten."""
    if octets is None:
        return NOTHING
    value, unit = float(octets), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 999.5:
            break
        value, unit = value / 1_000, larger
    return f"{_three(value)}{SPACE}{unit}"


def duration(seconds: float | None) -> str:
    """`0.8 s`, `4 min`, `2 h 10 min`, `3 days`."""
    if seconds is None:
        return NOTHING
    if seconds < 60:
        return f"{_three(seconds)}{SPACE}s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes}{SPACE}min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours}{SPACE}h" + (f" {minutes}{SPACE}min" if minutes else "")
    return f"{round(hours / 24)}{SPACE}days"


def read_time(text: str) -> datetime:
    """A time of the API (RFC 3339)."""
    return datetime.fromisoformat(text)


def when(moment: datetime, now: datetime, zone: tzinfo) -> str:
    """Relative within a day, then the date: `9 min ago`, `in 11 min`, `28 November`, with the year when another."""
    away = (now - moment).total_seconds()
    if abs(away) < 5:
        return "just now"
    if abs(away) < 86_400:
        text = duration(abs(away) if abs(away) >= 60 else round(abs(away)))
        return f"{text} ago" if away > 0 else f"in {text}"
    return day(moment, now, zone)


def day(moment: datetime, now: datetime, zone: tzinfo) -> str:
    """`28 November`, with the year when it is another."""
    there = moment.astimezone(zone)
    year = f" {there.year}" if there.year != now.astimezone(zone).year else ""
    return f"{there.day} {there:%B}{year}"


def whole_time(moment: datetime, zone: tzinfo) -> str:
    """`Saturday 28 November 2026, 10:47:14 UTC`."""
    there = moment.astimezone(zone)
    offset = there.utcoffset() or timedelta()
    name = "UTC" if not offset else there.tzname() or f"{there:%z}"
    return f"{there:%A} {there.day} {there:%B %Y, %H:%M:%S} {name}"


def clock(moment: datetime, zone: tzinfo) -> str:
    """`10:47:14`."""
    return f"{moment.astimezone(zone):%H:%M:%S}"


def _three(value: float) -> str:
    digits = 0 if value >= 99.95 or value == int(value) else 1
    return f"{value:.{digits}f}"
