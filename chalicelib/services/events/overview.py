"""A server at a glance: what waits, what was sent, and what needs somebody's attention (api.md 2.14).

Every look costs the same at most: of messages in a list MOST_COUNTED are counted, of things of the configuration there
are only so many.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from enum import StrEnum

from chalicelib.domain.durations import DAY
from chalicelib.domain.figures import rates_of
from chalicelib.domain.limits.limit import Usage, limits_over
from chalicelib.domain.model import Scope
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.periods import Period
from chalicelib.domain.statistics import Count, Counts
from chalicelib.domain.tenancy.rate_limits import lasting
from chalicelib.domain.tenancy.servers import Server, ServerMode
from chalicelib.ports.clock import Clock
from chalicelib.ports.contents import Contents
from chalicelib.ports.messages import Flagged, MessageStore
from chalicelib.ports.send_limits import SendLimits
from chalicelib.services.events.attention import Attention, Known, LookAfter
from chalicelib.services.events.statistics import ServerStatistics
from chalicelib.services.gather import gather
from chalicelib.services.reputation.watch_rates import WatchRates

MOST_COUNTED = 1_000
RATE_DAYS = 30


class ServerStatus(StrEnum):
    """Wire words."""

    LIVE = "Live"
    DEVELOPMENT = "Development"
    SUSPENDED = "Suspended"


@dataclass(frozen=True, slots=True)
class Overview:
    """`domains_ok` and `domains_failing`: by what was last found of them. Counts of messages end at MOST_COUNTED.
    `last_hour`: the counters of the last sixty minutes."""

    status: ServerStatus
    domains_ok: int
    domains_failing: int
    held: int
    queued: int
    scheduled: int
    bounce_rate: float | None
    stored_bytes: int
    last_hour: Counts
    limits: tuple[Usage, ...]
    attention: tuple[Attention, ...]


class ShowOverview:
    """Looks at everything at the same time."""

    def __init__(
        self,
        clock: Clock,
        messages: MessageStore,
        statistics: ServerStatistics,
        limits: SendLimits,
        after: LookAfter,
        contents: Contents,
        watch: WatchRates,
    ) -> None:
        self._clock = clock
        self._messages = messages
        self._statistics = statistics
        self._limits = limits
        self._after = after
        self._contents = contents
        self._watch = watch

    async def show(self, server: Server) -> Overview:
        """The server now."""
        now = self._clock.now()
        server = replace(server, rate_holds=lasting(server.rate_holds, now))
        (held, queued, scheduled), (month, hour), usages, stored, measured = await asyncio.gather(
            gather(self._flagged(server.id, flag) for flag in ("held", "queued", "scheduled")),
            self._counted(server.id, now),
            self._used(server, now),
            self._contents.counted(server.id),
            self._watch.measure(server),
        )
        rates = rates_of(month)
        complaints, failed = (
            month.get(one, 0) for one in (Count.COMPLAINTS, Count.FAILED_MESSAGES)
        )
        known = Known(held, queued, rates, complaints, failed, usages, measured)
        domains, attention = await self._after.look(server, known)
        return Overview(
            status=_status(server),
            domains_ok=domains.count(True),
            domains_failing=domains.count(False),
            held=held.count,
            queued=queued.count,
            scheduled=scheduled.count,
            bounce_rate=rates.bounced,
            stored_bytes=stored,
            last_hour=hour,
            limits=usages,
            attention=tuple(attention),
        )

    async def _counted(self, server: ServerId, now: float) -> tuple[Counts, Counts]:
        """Of a month, and of the last hour."""
        since = now - (RATE_DAYS - 1) * DAY
        month, hour = await gather(
            (
                self._statistics.chart([server], Period.DAY, since, None),
                self._statistics.chart([server], Period.MINUTE, None, None),
            )
        )
        return month.totals, hour.totals

    async def _used(self, server: Server, now: float) -> tuple[Usage, ...]:
        over = limits_over(server)
        return tuple(await self._limits.usages(over, now)) if over else ()

    async def _flagged(self, server: ServerId, flag: str) -> Flagged:
        found = await gather(
            self._messages.count_flagged(server, scope, flag, MOST_COUNTED) for scope in Scope
        )
        oldest = min((one.oldest_at for one in found if one.oldest_at is not None), default=None)
        return Flagged(min(MOST_COUNTED, sum(one.count for one in found)), oldest)


def _status(server: Server) -> ServerStatus:
    if server.is_suspended:
        return ServerStatus.SUSPENDED
    is_live = server.mode is ServerMode.LIVE
    return ServerStatus.LIVE if is_live else ServerStatus.DEVELOPMENT
