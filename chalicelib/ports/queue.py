"""The wake-ups of the delivering functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from chalicelib.domain.model import WorkItem


class WorkQueue(Protocol):
    """Wake-ups for delivering functions. At least once, in no order, durable once `send` returns."""

    async def send(self, pool: str, items: Sequence[WorkItem], delay: int = 0) -> None:
        """Queue items (any number), hidden for `delay` seconds (0 to 900). Raises TemporaryFailure unless all are
        in: PoolMissing when the pool has no queue."""

    async def hide(self, pool: str, receipt: str, seconds: int) -> None:
        """Keep a received wake-up hidden for `seconds` from now (0 to 43,200)."""

    async def pools(self) -> tuple[str, ...]:
        """The pools that have a queue, by name. For people who configure; no function has the right to ask."""
