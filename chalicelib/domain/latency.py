"""How long messages took, counted in buckets from which percentiles are read within a tenth.

A bucket's upper bound is a fifth above its lower one, so that its geometric mean is at most 9.6 % from each time in it.
Times below a millisecond count as one, those above 45 days as so many.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

LEAST = 0.001  # seconds
GROWTH = 1.2
LAST = 121  # whose upper bound is 45 days
_PREFIX = "t"
PERCENTILES = (50, 90, 95, 99)


def bucket_of(seconds: float) -> str:
    """The name of the counter in which a time counts."""
    if seconds <= LEAST:
        return f"{_PREFIX}0"
    number = math.ceil(math.log(seconds / LEAST, GROWTH))
    return f"{_PREFIX}{min(number, LAST)}"


def is_bucket(name: str) -> bool:
    """Whether a counter's name is that of a bucket."""
    return name.startswith(_PREFIX) and name[1:].isascii() and name[1:].isdecimal()


def percentiles(counts: Mapping[str, int]) -> dict[int, float] | None:
    """Seconds within which so many of a hundred were done, from counters of which others are passed over; None when
    nothing was counted. Nearest rank."""
    found = sorted((int(name[1:]), number) for name, number in counts.items() if is_bucket(name))
    total = sum(number for _, number in found)
    if total <= 0:
        return None
    answers: dict[int, float] = {}
    for percent in PERCENTILES:
        left = math.ceil(total * percent / 100)
        for bucket, number in found:
            left -= number
            if left <= 0:
                answers[percent] = _middle(bucket)
                break
    return answers


def _middle(bucket: int) -> float:
    return LEAST if bucket == 0 else LEAST * GROWTH ** (bucket - 0.5)
