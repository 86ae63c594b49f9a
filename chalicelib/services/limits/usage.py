"""How much of its send limits a server has used, as `GET /overview` shows it (api.md 2.14)."""

from __future__ import annotations

from chalicelib.domain.limits.limit import Usage, limits_over
from chalicelib.domain.tenancy.servers import Server
from chalicelib.ports.clock import Clock
from chalicelib.ports.send_limits import SendLimits


class LimitUsage:
    """Reads it."""

    def __init__(self, clock: Clock, limits: SendLimits) -> None:
        self._clock = clock
        self._limits = limits

    async def usage(self, server: Server) -> list[Usage]:
        """Of each limit of the server and of its organization; nothing is read where there are none. The limits of
        credentials are told where they are met."""
        limits = limits_over(server)
        return await self._limits.usages(limits, self._clock.now()) if limits else []
