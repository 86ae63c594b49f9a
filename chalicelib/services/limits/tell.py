"""Telling that a limit is near or was met: an event of the server, and a notice to the members of its organization.

Each at most once an hour for each limit and server. A process that has told, or has found that another has, asks again
only when the hour is over, so that mail above a limit costs nothing here. Who dies between the count and the event
tells of it in the next hour.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from datetime import UTC, datetime

from chalicelib.domain.errors import MailError, NotFound, TemporaryFailure
from chalicelib.domain.limits.limit import Limit, OwnerKind, Usage, shown
from chalicelib.domain.occurrence import EventType, Occurrence
from chalicelib.domain.rates import Policy
from chalicelib.domain.tenancy.entity import Place
from chalicelib.domain.tenancy.organizations import ORGANIZATIONS
from chalicelib.domain.tenancy.owners import ALL_ORGANIZATIONS
from chalicelib.domain.tenancy.send_limits import LimitAction, Period
from chalicelib.domain.tenancy.servers import Server
from chalicelib.ports.clock import Clock
from chalicelib.ports.happenings import Happenings
from chalicelib.ports.rate_counters import RateCounters
from chalicelib.ports.repository import Repository
from chalicelib.services.notify_members import NotifyMembers
from chalicelib.services.rates import RateExceeded, Rates

LOG = logging.getLogger("posthorn.limits")
HOUR = 3_600
TOLD = Policy("limits", 1, HOUR)
MOST_REMEMBERED = 10_000
_SPAN = {
    Period.HOUR: "60 minutes",
    Period.DAY: "24 hours",
    Period.MONTH: "a month",
}


class TellLimits:
    """Tells. Nothing here ever fails: mail does not wait for it."""

    def __init__(
        self,
        clock: Clock,
        counters: RateCounters,
        happenings: Happenings,
        repository: Repository,
        members: NotifyMembers,
    ) -> None:
        self._clock = clock
        self._rates = Rates(clock, counters)
        self._happenings = happenings
        self._repository = repository
        self._members = members
        self._told: dict[tuple[str, str], float] = {}

    async def found(self, server: Server, usages: Sequence[Usage], count: int) -> None:
        """A message took so many places, and this is how much was used with them."""
        for usage in usages:
            before = Usage(usage.limit, usage.used - count, usage.resets_at)
            if before.is_near:
                await self._tell(EventType.SERVER_LIMIT_APPROACHING, server, usage)

    async def exceeded(self, server: Server, usages: Sequence[Usage], full: Limit) -> None:
        """A message found no place in this limit."""
        for usage in usages:
            if usage.limit == full:
                await self._tell(EventType.SERVER_LIMIT_EXCEEDED, server, usage)

    async def _tell(self, event: EventType, server: Server, usage: Usage) -> None:
        now = self._clock.now()
        limit = usage.limit
        thing = f"{limit.owner.name}/{limit.period}"
        key = (event.value, f"{server.id}/{thing}")
        if self._told.get(key, now) > now:
            return
        try:
            await self._rates.count(TOLD, " ".join(key))
        except RateExceeded as told:
            self._remember(key, now + (told.retry_after or HOUR))
            return
        except TemporaryFailure:  # one too many is better than none
            LOG.warning("a limit's hour is not known")
        self._remember(key, now + HOUR)
        try:
            moment = datetime.fromtimestamp(usage.resets_at, UTC).isoformat(timespec="milliseconds")
            detail = json.dumps(shown(usage, moment.replace("+00:00", "Z")), separators=(",", ":"))
            what = f"{thing}/{int(now) // HOUR}"
            await self._happenings.note([Occurrence(event, server.id, now, what, detail=detail)])
            await self._notify(event, server, usage)
        except MailError as failure:
            LOG.error("a limit is not told of: %s", failure.public)

    async def _notify(self, event: EventType, server: Server, usage: Usage) -> None:
        place = Place(ALL_ORGANIZATIONS, server.organization_permalink)
        try:
            organization = await self._repository.get(ORGANIZATIONS, place, fresh=False)
        except NotFound:
            return
        subject, text = _notice(event, server, usage)
        thing = f"{event} {server.id} {usage.limit.owner.name}/{usage.limit.period}"
        await self._members.tell(organization, thing, subject, text)

    def _remember(self, key: tuple[str, str], until: float) -> None:
        if len(self._told) >= MOST_REMEMBERED:
            self._told.clear()
        self._told[key] = until


def _notice(event: EventType, server: Server, usage: Usage) -> tuple[str, str]:
    """Subject and text, of which the first names the server as contract section 9 does."""
    limit = usage.limit
    whose = {
        OwnerKind.ORGANIZATION: "its organization",
        OwnerKind.SERVER: "the server",
        OwnerKind.CREDENTIAL: f"its credential {limit.owner.credential}",
    }[limit.owner.kind]
    what = f"The limit of {whose} is {limit.most} messages in {_SPAN[limit.period]}"
    if event is EventType.SERVER_LIMIT_APPROACHING:
        subject = "Mail server is approaching its send limit"
        text = f"{what}, and {usage.used} of them are used."
    else:
        subject = "Mail server has exceeded its send limit"
        held = limit.action is LimitAction.HOLD
        then = (
            "Mail above it is held, and is sent by itself, in the order of acceptance, as places come free."
            if held
            else "Mail above it is refused until places come free."
        )
        text = f"{what}. {then}"
    return f"[{server.full_name}] {subject}", text
