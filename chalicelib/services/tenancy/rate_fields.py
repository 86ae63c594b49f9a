"""The fields of complaint and bounce rates that organizations, servers and streams share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from chalicelib.domain.errors import wrong_field
from chalicelib.domain.limits.limit import LimitOwner, OwnerKind
from chalicelib.domain.tenancy.entity import Place
from chalicelib.domain.tenancy.owners import of_server
from chalicelib.domain.tenancy.rate_limits import RateLimits, StreamRates, is_percentage
from chalicelib.domain.tenancy.servers import SERVERS, Server
from chalicelib.ports.clock import Clock
from chalicelib.ports.limit_lines import LimitLines
from chalicelib.ports.repository import Repository

PARTS = {
    "complaint_rate_limit": "complaint",
    "bounce_rate_limit": "bounce",
    "rate_limit_count": "count",
}
RATE_FIELDS = tuple(PARTS)
MOST = 1_000_000_000


def changes_rates(changes: Mapping[str, Any]) -> bool:
    """Whether these changes touch rates, so that what they hold is judged anew."""
    return not changes.keys().isdisjoint(RATE_FIELDS)


def check_percent(percent: float | None) -> None:
    """InvalidRequest for what is no rate."""
    if percent is not None and not is_percentage(percent):
        raise wrong_field("rate", "A rate is 0.01 to 100 percent, with at most two decimals")


class RatesOfStreams:
    """The limits of streams, which stand with their server so that delivery reads them with it."""

    def __init__(self, repository: Repository, clock: Clock, lines: LimitLines) -> None:
        self._repository = repository
        self._clock = clock
        self._lines = lines

    async def of(self, server: Server) -> Server:
        """The server as it is at this moment, with the limits of its streams."""
        return await self._repository.get(SERVERS, Place(of_server(server.id)))

    async def change(self, server: Server, stream: str, given: Mapping[str, Any]) -> Server:
        """Give a stream other limits, by the names of the fields; what one holds is judged anew. NotFound."""

        def changed(one: Server) -> Server:
            parts = {PARTS[name]: value for name, value in given.items()}
            limits = replace(one.rates_of(stream), **parts)
            return with_rates(one, stream, limits)

        after = await self._repository.modify(SERVERS, Place(of_server(server.id)), changed)
        owner = LimitOwner(OwnerKind.SERVER, server.id, stream)
        await self._lines.hurry(owner, self._clock.now())
        return after

    async def forget(self, server: Server, stream: str) -> None:
        """A stream is removed, and its limits with it."""
        if any(one.stream == stream for one in server.stream_rates):
            await self.change(server, stream, dict.fromkeys(RATE_FIELDS))


def with_rates(server: Server, stream: str, limits: RateLimits) -> Server:
    """The server whose stream has these limits."""
    others = tuple(one for one in server.stream_rates if one.stream != stream)
    ours = (StreamRates(stream, limits),) if limits != RateLimits() else ()
    rates = tuple(sorted((*others, *ours), key=lambda one: one.stream))
    return replace(server, stream_rates=rates)
