"""When a message that failed is tried again: the default schedule of the contract, or one written
`1m,5m*2,1h*3`.

A schedule is a row of waits; the k-th follows the k-th failed attempt. The default waits 5 min ×
1.3^k after each of 18 attempts, so that the final HardFail is recorded 31 hours after the first
attempt (contract section 4, retry schedule). A written schedule of n waits means n + 1 attempts and
gives up at once after the last. After an attempt whose reply was lost, the waits are at least those
of `LOST_REPLY`, and there are no more than those (ADR 24). Times are seconds. Nothing here knows
the time or draws random numbers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from chalicelib.domain.durations import DAY
from chalicelib.domain.errors import Rejected

FIRST_WAIT = 300
GROWTH = 1.3
ATTEMPTS = 18
LONGEST_WAIT = 7 * DAY
MOST_WAITS = 100
JITTER = 0.1

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": DAY}
_ENTRY = re.compile(r"([0-9]{1,7})([smhd])(?:\*([0-9]{1,3}))?")


@dataclass(frozen=True, slots=True)
class Schedule:
    """`waits[k]` seconds pass after the failed attempt that had k failures before it."""

    waits: tuple[int, ...]


LOST_REPLY = Schedule((2_400, 9_600, 38_400))
"""40 minutes, 2 h 40 min, 10 h 40 min: each repetition may be one more copy in somebody's mailbox."""


def default_schedule(attempts: int = ATTEMPTS) -> Schedule:
    """The contract's schedule for a number of attempts; there is a wait before the final verdict
    too."""
    waits = tuple(
        min(round(FIRST_WAIT * GROWTH**number), LONGEST_WAIT) for number in range(attempts)
    )
    return Schedule(waits)


def parse_schedule(text: str) -> Schedule:
    """Read `1m,5m*2,1h*3`: a whole number, a unit (s, m, h, d), `*n` for n times. Raises Rejected,
    naming the entry.  Each wait is from 1 second to 7 days; there are 1 to 100 waits."""
    if len(text) > 2_000:
        raise Rejected("The retry schedule is too long.")
    waits: list[int] = []
    for entry in text.split(","):
        waits += _read_entry(entry.strip())
        if len(waits) > MOST_WAITS:
            raise Rejected(f"A retry schedule has at most {MOST_WAITS} waits.")
    return Schedule(tuple(waits))


def schedule_of(written: str | None, attempts: int) -> Schedule:
    """The schedule of a server that has one, else the default one of so many attempts."""
    return default_schedule(attempts) if written is None else parse_schedule(written)


def attempts_of(written: str | None, attempts: int) -> int:
    """How often a message of such a server is tried."""
    return attempts if written is None else len(parse_schedule(written).waits) + 1


def _read_entry(entry: str) -> list[int]:
    found = _ENTRY.fullmatch(entry)
    if found is None:
        shown = entry[:20] or "an empty entry"
        raise Rejected(
            f"The retry schedule has {shown!r} where it wants a wait such as 90s, 5m*2, 1h or 1d."
        )
    wait = int(found[1]) * _UNITS[found[2]]
    times = int(found[3]) if found[3] else 1
    if not 1 <= wait <= LONGEST_WAIT:
        raise Rejected(f"The wait {entry!r} of the retry schedule is not from 1s to 7d.")
    if not 1 <= times <= MOST_WAITS:
        raise Rejected(f"The retry schedule repeats {entry!r} not 1 to {MOST_WAITS} times.")
    return [wait] * times


def gives_up_at(schedule: Schedule, tries: int, next_at: float) -> float:
    """When a message is given up that had `tries` failures, is tried at `next_at` and fails each time, jitter aside."""
    return next_at + sum(schedule.waits[tries:])


def next_wait(schedule: Schedule, tries: int, jitter: float) -> int | None:
    """Seconds to wait after a failed attempt that had `tries` failures before it; None when the
    schedule is used up.  `jitter` in [0, 1) moves the wait from 10 % less to 10 % more, which keeps
    the default schedule rising."""
    if not 0 <= tries < len(schedule.waits):
        return None
    wait = schedule.waits[tries] * (1 - JITTER + 2 * JITTER * jitter)
    return max(1, round(wait))
