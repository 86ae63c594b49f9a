"""Track domains at which https does not work, or soon will not: what the last look at each of them found."""

from __future__ import annotations

from collections.abc import AsyncIterator

from chalicelib.domain.https_seen import ends_soon
from chalicelib.domain.tenancy.organizations import ORGANIZATIONS
from chalicelib.domain.tenancy.owners import ALL_ORGANIZATIONS, of_organization, of_server
from chalicelib.domain.tenancy.servers import SERVERS
from chalicelib.domain.tenancy.track_domains import TRACK_DOMAINS, DnsStatus, TrackDomain
from chalicelib.ports.clock import Clock
from chalicelib.ports.repository import Repository

MOST_NAMED = 5


class EndangeredTracking:
    """Reads all track domains, once an hour, and asks nobody."""

    def __init__(self, repository: Repository, clock: Clock) -> None:
        self._repository = repository
        self._clock = clock

    async def faults(self) -> list[str]:
        """A sentence for each of the first MOST_NAMED, and one for the others."""
        found = [sentence async for sentence in self._all()]
        more = len(found) - MOST_NAMED
        return [*found[:MOST_NAMED], *([f"So it is at {more} more."] if more > 0 else [])]

    async def _all(self) -> AsyncIterator[str]:
        now, all_of = self._clock.now(), self._repository.all
        for organization in await all_of(ORGANIZATIONS, ALL_ORGANIZATIONS, fresh=False):
            for server in await all_of(SERVERS, of_organization(organization.id), fresh=False):
                for one in await all_of(TRACK_DOMAINS, of_server(server.id), fresh=False):
                    if fault := _fault(one, now):
                        yield f"{one.id}: {fault}"


def _fault(track: TrackDomain, now: float) -> str:
    """What is wrong with https at a name whose links begin with it."""
    if not track.ssl_enabled or track.dns_status is not DnsStatus.OK:
        return ""
    return track.https_fault or ends_soon(track.https_ends_at, now)
