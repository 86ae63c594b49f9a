"""Whether a function's time grows in proportion to its input, without any absolute limit."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

# Linear is 4. Quadratic is 16. Between them there is room for caches, allocation and busy machines.
WORST_RATIO = 10
# Below this a measurement is noise, and no quadratic function hides there at half a megabyte.
FLOOR_SECONDS = 0.02


def assert_linear(run: Callable[[T], object], small: T, large: T, tries: int = 4) -> None:
    """Fail when `run(large)` takes far more than four times `run(small)`; `large` is four times as large.

    The best of several tries counts, so that a busy machine cannot fail an honest function.
    """
    ratio = seconds = 0.0
    for _ in range(tries):
        seconds = _seconds(run, large)
        if seconds < FLOOR_SECONDS:
            return
        ratio = seconds / max(_seconds(run, small), 1e-9)
        if ratio <= WORST_RATIO:
            return
    raise AssertionError(f"four times the input took {ratio:.1f} times as long ({seconds:.3f} s)")


def _seconds(run: Callable[[T], object], argument: T) -> float:
    begin = time.process_time()
    run(argument)
    return time.process_time() - begin
