"""Telling that a rate holds a server's new mail, by an event of the server and a notice to the members of its
organization and to the operators, or that it does so no longer, by an event. Each at most once an hour for each server,
stream and rate."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence

from chalicelib.domain.errors import MailError, NotFound, TemporaryFailure
from chalicelib.domain.occurrence import EventType, Occurrence
from chalicelib.domain.rates import Policy
from chalicelib.domain.tenancy.entity import Place
from chalicelib.domain.tenancy.organizations import ORGANIZATIONS
from chalicelib.domain.tenancy.owners import ALL_ORGANIZATIONS
from chalicelib.domain.tenancy.rate_limits import Rate, RateHold
from chalicelib.domain.tenancy.servers import Server
from chalicelib.domain.tenancy.told_fields import time_text
from chalicelib.ports.clock import Clock
from chalicelib.ports.happenings import Happenings
from chalicelib.ports.rate_counters import RateCounters
from chalicelib.ports.repository import Repository
from chalicelib.services.notify_members import NotifyMembers
from chalicelib.services.rates import RateExceeded, Rates

LOG = logging.getLogger("posthorn.limits")
HOUR = 3_600
TOLD = Policy("mail-rates", 1, HOUR)
_COUNTED = {
    Rate.COMPLAINT: "{} of {} messages that were delivered were complained about",
    Rate.BOUNCE: "{} of {} messages did not reach their recipients",
}


class TellRates:
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

    async def changed(self, server: Server, before: Sequence[RateHold]) -> None:
        """What holds the server's mail is another than before."""
        known, now = {one.is_of for one in before}, {one.is_of for one in server.rate_holds}
        for hold in server.rate_holds:
            if hold.is_of not in known:
                await self._tell(EventType.SERVER_RATE_EXCEEDED, server, hold)
        for hold in before:
            if hold.is_of not in now:
                await self._tell(EventType.SERVER_RATE_RECOVERED, server, hold)

    async def _tell(self, event: EventType, server: Server, hold: RateHold) -> None:
        now = self._clock.now()
        thing = f"{hold.stream}/{hold.rate}"
        try:
            await self._rates.count(TOLD, f"{event} {server.id}/{thing}")
        except RateExceeded:
            return
        except TemporaryFailure:  # one too many is better than none
            LOG.warning("a rate's hour is not known")
        try:
            detail = json.dumps(shown_hold(hold), separators=(",", ":"))
            what = f"{thing}/{int(now) // HOUR}"
            await self._happenings.note([Occurrence(event, server.id, now, what, detail=detail)])
            if event is EventType.SERVER_RATE_EXCEEDED:
                await self._notify(server, hold)
        except MailError as failure:
            LOG.error("a rate is not told of: %s", failure.public)

    async def _notify(self, server: Server, hold: RateHold) -> None:
        subject, text = _notice(server, hold)
        thing = f"rate {server.id} {hold.stream}/{hold.rate}"
        await self._members.tell(None, thing, subject, text)
        place = Place(ALL_ORGANIZATIONS, server.organization_permalink)
        try:
            organization = await self._repository.get(ORGANIZATIONS, place, fresh=False)
        except NotFound:
            return
        await self._members.tell(organization, thing, subject, text)


def shown_hold(hold: RateHold) -> dict[str, object]:
    """The object `rate` of an event, and of `rate_holds` of a server."""
    return {
        "rate": hold.rate.value,
        "stream": hold.stream or None,
        "limit": hold.limit,
        "percent": hold.percent,
        "since": time_text(hold.since),
        "until": time_text(hold.until),
    }


def _notice(server: Server, hold: RateHold) -> tuple[str, str]:
    """Subject and text, of which the first names the server."""
    whose = f"the stream {hold.stream}" if hold.stream else "the server"
    what = f"[{server.full_name}] The {hold.rate.words} of {whose}"
    counted = _COUNTED[hold.rate].format(hold.counted, hold.base)
    text = (
        f"In 24 hours {counted}: {hold.percent:g} %, and the limit is {hold.limit:g} %. New mail of {whose} is held."
        " It is sent by itself when the rate has fallen, or when an operator raises the limit."
    )
    return f"{what} is too high: its new mail is held", text
