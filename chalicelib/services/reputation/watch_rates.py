"""Looks whether a server's complaint or bounce rates are above their limits, and keeps what holds its new mail.

Where no limit is set nothing is read. What was found stands with the server, which delivery reads anyway; it is written
when it changes. Each process looks once a minute at a server that sends, and the sweep at servers whose mail is held.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from chalicelib.config import Settings
from chalicelib.domain.durations import HOUR
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.groups import Dimension
from chalicelib.domain.limits.rates import Hours, Measured, judged, measured, window
from chalicelib.domain.periods import Period
from chalicelib.domain.tenancy.rate_limits import Rate, RateHold, RateLimits, StreamRates
from chalicelib.domain.tenancy.servers import SERVERS, Server
from chalicelib.ports.clock import Clock
from chalicelib.ports.group_counts import GroupCounts, Span
from chalicelib.ports.repository import Repository
from chalicelib.ports.statistics import Statistics
from chalicelib.services.reputation.tell_rates import TellRates

LOG = logging.getLogger("posthorn.limits")
LOOK_SECONDS = 60.0
BATCH_SECONDS = 10.0
"""For so long after a look a server may be at hand as it was before that."""
MOST_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class _Look:
    """When a server was looked at, under which limits, what held its mail before, and what it found."""

    at: float
    limits: tuple[RateLimits, tuple[StreamRates, ...]]
    before: tuple[RateHold, ...]
    after: tuple[RateHold, ...]


class WatchRates:
    """Looks, and keeps what was found."""

    def __init__(  # counters of two kinds, and where what they say goes
        self,
        *,
        settings: Settings,
        clock: Clock,
        statistics: Statistics,
        groups: GroupCounts,
        repository: Repository,
        tell: TellRates,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._statistics = statistics
        self._groups = groups
        self._repository = repository
        self._tell = tell
        self._looked: dict[int, _Look] = {}
        self._looking: dict[int, asyncio.Lock] = {}

    def limits_of(self, server: Server) -> RateLimits:
        """The limits of the server as a whole: its own, else its organization's, else the installation's."""
        wider = server.organization_rates.within(_of_installation(self._settings))
        return server.rate_limits.within(wider)

    def is_on(self, server: Server) -> bool:
        """Whether anything is to be looked at."""
        limits = self.limits_of(server)
        return limits.is_on or any(one.limits.is_on for one in server.stream_rates)

    async def seen(self, server: Server) -> Sequence[RateHold]:
        """What holds its new mail, looked at once a minute in this process, and when its limits were changed. Counters
        that are away hold nothing anew and let nothing go."""
        if not (self.is_on(server) or server.rate_holds):
            return ()
        known = self._known(server)
        if known is not None:
            return known
        lock = self._looking.setdefault(server.id, asyncio.Lock())
        try:
            async with lock:  # who comes meanwhile waits for what is found
                known = self._known(server)
                return await self._looked_now(server) if known is None else known
        finally:
            self._looking.pop(server.id, None)

    def _known(self, server: Server) -> Sequence[RateHold] | None:
        """What the last look says still; None when it is too old, or was under other limits."""
        last = self._looked.get(server.id)
        if last is None or last.limits != self._limits(server):
            return None
        age = abs(self._clock.now() - last.at)
        if age >= LOOK_SECONDS:
            return None
        is_older = age < BATCH_SECONDS and server.rate_holds == last.before
        return last.after if is_older else server.rate_holds

    async def _looked_now(self, server: Server) -> Sequence[RateHold]:
        try:
            return await self.look(server)
        except TemporaryFailure as away:
            LOG.warning("the rates of a server are not known: %s", away.public)
            self._remember(server, server.rate_holds, self._clock.now())
            return server.rate_holds

    async def look(self, server: Server, *, begins: bool = True) -> Sequence[RateHold]:
        """What holds its new mail at this moment, which is kept and told where it changed; unless it `begins`, only
        what did so before. Raises TemporaryFailure."""
        now = self._clock.now()
        found: list[RateHold] = []
        for stream, limits, hours in await self._counted(server, now):
            found += judged(stream, limits, hours, server.rate_holds, now)
        known = {one.is_of for one in server.rate_holds}
        holds = tuple(one for one in found if begins or one.is_of in known)
        if len(holds) == len(found):
            self._remember(server, holds, now)
        else:  # what this look may not begin, the next message does
            self._looked.pop(server.id, None)
        if holds != server.rate_holds:
            await self._repository.note(SERVERS, server, rate_holds=holds)
            await self._tell.changed(replace(server, rate_holds=holds), server.rate_holds)
        return holds

    def _limits(self, server: Server) -> tuple[RateLimits, tuple[StreamRates, ...]]:
        return self.limits_of(server), server.stream_rates

    def _remember(self, server: Server, holds: tuple[RateHold, ...], now: float) -> None:
        if len(self._looked) >= MOST_REMEMBERED:
            self._looked.clear()
        self._looked[server.id] = _Look(now, self._limits(server), server.rate_holds, holds)

    async def judged_anew(self, server: Server) -> Server:
        """A server whose limits were changed: what is no longer above them holds nothing. Counters that are away leave
        that to the next look."""
        try:
            return replace(server, rate_holds=tuple(await self.look(server, begins=False)))
        except TemporaryFailure as away:
            LOG.warning("the rates of a server are not known: %s", away.public)
            return server

    async def measure(self, server: Server) -> list[Measured]:
        """Each rate that has a limit, as it is now. Raises TemporaryFailure."""
        return [
            one
            for stream, limits, hours in await self._counted(server, self._clock.now())
            for rate in Rate
            if (one := measured(rate, stream, limits, hours.values())) is not None
        ]

    async def _counted(self, server: Server, now: float) -> list[tuple[str, RateLimits, Hours]]:
        """The limits of the server and of its streams, with what was counted under them in each hour."""
        first, newest = window(now)
        limits = self.limits_of(server)
        found: list[tuple[str, RateLimits, Hours]] = []
        if limits.is_on:
            slots = await self._statistics.read(server.id, Period.HOUR, first, newest)
            found.append(("", limits, dict(slots)))
        streams = [one for one in server.stream_rates if one.limits.is_on]
        if streams:
            span = Span(Period.HOUR, first, newest, HOUR)
            parts = await self._groups.read(server.id, Dimension.STREAM, span)
            least = RateLimits(count=limits.count)
            found += [
                (one.stream, one.limits.within(least), parts.get(one.stream, {})) for one in streams
            ]
        return found


def _of_installation(settings: Settings) -> RateLimits:
    complaint, bounce = (
        float(one) if one else None
        for one in (settings.complaint_rate_limit, settings.bounce_rate_limit)
    )
    return RateLimits(complaint, bounce, settings.rate_limit_count)
