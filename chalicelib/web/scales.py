"""Where the lines behind a chart lie, and what stands beside them: round numbers, few of them, from 0 up.

Pure. Times are scaled by logarithm where the slow part is far from the middle, or the middle would lie on the ground.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from chalicelib.web import words

FAR = 20  # times the middle: from there on the scale of times is one of logarithms
_COUNTS = (1, 2, 2.5, 5, 10)
_SECONDS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1_200, 1_800)
_HOURS = (1, 2, 4, 6, 12, 24, 48, 96, 192)


@dataclass(frozen=True, slots=True)
class Scale:
    """`marks` from the top down, with their words; `height(value)` is 0 on the ground and 1 at the top."""

    marks: tuple[str, ...]
    height: Callable[[float], float]
    is_log: bool = False


def of_counts(largest: float, steps: int) -> Scale:
    """So many steps of a round number of things, up to the largest or more."""
    wanted = max(1.0, largest / steps)
    power = 10 ** math.floor(math.log10(wanted))
    step = next(one * power for one in _COUNTS if one * power >= wanted)
    return _even(step if step == int(step) else math.ceil(step), steps, _count)


def of_seconds(largest: float, steps: int) -> Scale:
    """So many steps of a time that people say."""
    wanted = max(0.1, largest / steps)
    hours = (3_600 * one for one in _HOURS)
    step = next((one for one in (*_SECONDS, *hours) if one >= wanted), wanted)
    return _even(step, steps, _time)


def of_far_seconds(smallest: float, largest: float) -> Scale:
    """By powers of ten, from the one below the smallest to the one above the largest."""
    low = math.floor(math.log10(max(smallest, 0.01)))
    high = max(low + 1, math.ceil(math.log10(max(largest, 0.01))))
    marks = tuple(words.duration(10.0**power) for power in range(high, low - 1, -1))

    def height(value: float) -> float:
        return max(0.0, (math.log10(max(value, 10.0**low)) - low) / (high - low))

    return Scale(marks, height, is_log=True)


def _even(step: float, steps: int, said: Callable[[float], str]) -> Scale:
    top = step * steps
    marks = tuple(said(step * one) for one in range(steps, -1, -1))
    return Scale(marks, lambda value: value / top)


def _count(value: float) -> str:
    return words.count(round(value))


def _time(value: float) -> str:
    return words.duration(value) if value else "0"
