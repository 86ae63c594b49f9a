"""Time, which tests and the local stack may move."""

from __future__ import annotations

from typing import Protocol


class Clock(Protocol):
    """The time, which tests and the local stack may move."""

    def now(self) -> float:
        """Epoch seconds."""

    def monotonic(self) -> float:
        """Seconds of a clock that nobody moves, for measuring how long something took."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""
