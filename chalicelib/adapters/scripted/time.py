"""A clock that only its owner moves, and randomness that a seed decides.

`ControlledClock.sleep` does not wait: it moves the clock, so that a retry of two minutes plays at once. With
`self_moving=False` it waits until somebody else has advanced the clock far enough.
"""

from __future__ import annotations

import asyncio
import random

from chalicelib.ports.clock import Clock
from chalicelib.ports.rand import Rand


class ControlledClock(Clock):
    """The `Clock` port under a test's control."""

    def __init__(self, now: float = 1_800_000_000.0, *, self_moving: bool = True) -> None:
        self._now = now
        self._started = now
        self._self_moving = self_moving
        self._moved = asyncio.Event()

    def now(self) -> float:
        """Epoch seconds as set."""
        return self._now

    def monotonic(self) -> float:
        """Seconds since the clock was made, moved with it."""
        return self._now - self._started

    def advance(self, seconds: float) -> None:
        """Move the clock and wake those whose sleep is over."""
        self._now += seconds
        self._moved.set()
        self._moved = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        """Move the clock by `seconds`, or wait for `advance` to do it."""
        if self._self_moving:
            self.advance(max(seconds, 0.0))
            await asyncio.sleep(0)
            return
        end = self._now + seconds
        while self._now < end:
            await self._moved.wait()


class SeededRand(Rand):
    """The `Rand` port with the same answers for the same seed. Never for real keys."""

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)  # noqa: S311  # repeatable on purpose

    def bytes(self, count: int) -> bytes:
        """The next `count` bytes of the seed's sequence."""
        return self._random.randbytes(count)

    def uniform(self) -> float:
        """The next float in [0, 1)."""
        return self._random.random()
