"""Whether stores and queues do what they are for, found out when somebody asks, at most every five seconds."""

from __future__ import annotations

import asyncio

from chalicelib.domain.errors import MailError
from chalicelib.ports.backends import Backends, Probe
from chalicelib.ports.clock import Clock
from chalicelib.services.gather import gather

PATIENCE_SECONDS = 5.0
KEPT_SECONDS = 5.0


class Health:
    """Asks each part of what the installation stands on."""

    def __init__(self, clock: Clock, backends: Backends) -> None:
        self._clock = clock
        self._backends = backends
        self._asked_at: float | None = None
        self._failing: tuple[str, ...] = ()
        self._asking = asyncio.Lock()

    async def failing(self) -> tuple[str, ...]:
        """The names of the parts that fail, or do not answer within PATIENCE_SECONDS."""
        async with self._asking:
            now = self._clock.monotonic()
            if self._asked_at is None or not 0 <= now - self._asked_at < KEPT_SECONDS:
                probes = self._backends.probes()
                well = await gather(_is_well(probe) for probe in probes.values())
                self._failing = tuple(
                    name for name, is_well in zip(probes, well, strict=True) if not is_well
                )
                self._asked_at = self._clock.monotonic()
            return self._failing


async def _is_well(probe: Probe) -> bool:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await probe()
    except (MailError, TimeoutError):
        return False
    return True
