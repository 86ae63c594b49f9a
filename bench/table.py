"""The common shape of benchmark results: rows of value, ratio and target, printed as one table.

Absolute figures move by a factor of two between runs of one machine, so a target is always a ratio between two things
measured in the same run. `interleaved` takes care of that: rounds of all contestants in turn, and medians.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One line. `ratio` compares `value` with what `target` names (None: nothing to compare with); `target` is text
    such as ">= 0.85x openssl"; `ok` is None where there is no target."""

    name: str
    value: float
    unit: str
    ratio: float | None = None
    target: str = ""
    ok: bool | None = None


def bounded(name: str, value: float, unit: str, most: float) -> Row:
    """A line whose value itself must not exceed `most`."""
    return Row(name, value, unit, None, f"<= {most:g}", value <= most)


def print_table(rows: Sequence[Row]) -> None:
    """Print the rows with aligned columns."""
    cells = [("", "value", "unit", "ratio", "target", "")]
    cells += [
        (
            row.name,
            _number(row.value),
            row.unit,
            "" if row.ratio is None else f"{_number(row.ratio)}x",
            row.target,
            {None: "", True: "ok", False: "MISSED"}[row.ok],
        )
        for row in rows
    ]
    widths = [max(len(line[column]) for line in cells) for column in range(6)]
    for line in cells:
        padded = (
            text.rjust(width) if column in (1, 3) else text.ljust(width)
            for column, (text, width) in enumerate(zip(line, widths, strict=True))
        )
        print("  ".join(padded).rstrip())


def interleaved(
    contestants: Mapping[str, Callable[[], object]],
    rounds: int = 5,
    seconds: float = 0.1,
) -> dict[str, float]:
    """Median CPU seconds of one call for each contestant, over rounds in which every contestant has its turn."""
    calls = {name: _calls_in(run, seconds) for name, run in contestants.items()}
    taken: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, run in contestants.items():
            begin = time.process_time()
            for _ in range(calls[name]):
                run()
            taken[name].append((time.process_time() - begin) / calls[name])
    return {name: statistics.median(times) for name, times in taken.items()}


def _calls_in(run: Callable[[], object], seconds: float) -> int:
    """How many calls take about so long; the first call warms up and does not count."""
    run()
    begin = time.process_time()
    run()
    one = max(time.process_time() - begin, 1e-6)
    return max(1, min(100_000, int(seconds / one)))


def _number(value: float) -> str:
    if value == 0 or abs(value) >= 1_000:
        return f"{value:,.0f}"
    return f"{value:.3g}"
