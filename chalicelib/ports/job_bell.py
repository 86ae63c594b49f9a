"""What wakes those who work on jobs."""

from __future__ import annotations

from typing import Protocol


class JobBell(Protocol):
    """Rung when there is a job to work on. It is only quicker than looking: who works on jobs looks by itself too."""

    async def ring(self) -> None:
        """Wake somebody. TemporaryFailure when that cannot be done now."""
