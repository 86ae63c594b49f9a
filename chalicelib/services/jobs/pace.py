"""How many messages a job sends on at a time, so that fresh mail does not stand behind them.

They go in waves. How long a wave takes to leave tells how full the queue is: as long as it takes about as long as the
smallest wave did, the next one is twice as large, and when it takes much longer, half as large. So the queue is never
longer than what is worked off in a fraction of a second, whatever an installation can do; where many work at the same
time a wave is as large as it may be. Pure.
"""

from __future__ import annotations

FIRST, MOST, LEAST = 20, 200, 5
LONGER, SECONDS_LONGER = 1.25, 0.05
MUCH_LONGER, SECONDS_MUCH_LONGER = 1.75, 0.1
MOST_LOOKED_AT = 50
GONE = 0.8
LONGEST_STAND = 30.0


def next_wave(size: int, took: float, least: float) -> tuple[int, float]:
    """The size of the wave behind one that took so many seconds, and the least that any took; `least` is 0 before the
    first."""
    known = min(least, took) if least else took
    if took <= known * LONGER + SECONDS_LONGER:
        return min(MOST, size * 2), known
    if took > known * MUCH_LONGER + SECONDS_MUCH_LONGER:
        return max(LEAST, size // 2), known
    return size, known


def looked_at(wave: list[list[int]]) -> list[list[int]]:
    """Some of a wave, evenly, by which it is known."""
    step = -(-len(wave) // MOST_LOOKED_AT)
    return wave[::step] if step else []
