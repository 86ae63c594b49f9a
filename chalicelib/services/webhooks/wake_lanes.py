"""Waking the lanes that are due, where they were put off for longer than a queue can wait.

A lane is woken first and due no more second (crash rule 6): a crash in between wakes it twice.
"""

from __future__ import annotations

from chalicelib.ports.clock import Clock
from chalicelib.ports.webhook_lanes import WebhookLanes

PAGE = 100
MOST_PAGES = 20


class WakeLanes:
    """The part of the sweep that is about webhooks."""

    def __init__(self, clock: Clock, lanes: WebhookLanes) -> None:
        self._clock = clock
        self._lanes = lanes

    async def run(self) -> int:
        """Wake what is due now, at most MOST_PAGES pages of PAGE; how many there were. TemporaryFailure."""
        woken = 0
        for _ in range(MOST_PAGES):
            now = self._clock.now()
            jobs = await self._lanes.due(now, PAGE)
            await self._lanes.wake(jobs)
            for job in jobs:
                await self._lanes.clear_due(job, now)
            woken += len(jobs)
            if len(jobs) < PAGE:
                break
        return woken
