"""Which requests are for tracking: by the name that they are sent to, or by a path that nothing else has."""

from __future__ import annotations

from chalicelib.config import Settings
from chalicelib.domain.dns.records import track_host
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.tenancy.owners import of_server
from chalicelib.domain.tenancy.track_domains import TRACK_DOMAINS
from chalicelib.domain.tracking.visit import is_tracked_path
from chalicelib.ports.clock import Clock
from chalicelib.ports.repository import Repository

KEPT_SECONDS = 30.0


class TrackHosts:
    """The track domains of all servers, as they were half a minute ago at most."""

    def __init__(self, settings: Settings, repository: Repository, clock: Clock) -> None:
        self._settings = settings
        self._repository = repository
        self._clock = clock
        self._known: frozenset[str] = frozenset()
        self._until = 0.0

    async def are_asked(self, host: str, path: str) -> bool:
        """Whether this is a request for tracking. Links sent before their track domain was removed work on."""
        if is_tracked_path(path) or host == self._settings.track_domain.lower():
            return True
        if host in {"", self._settings.web_hostname.lower()}:
            return False
        return host in await self._hosts()

    async def _hosts(self) -> frozenset[str]:
        if self._clock.monotonic() >= self._until:
            found = set()
            for owner in await self._repository.owners(TRACK_DOMAINS):
                server = of_server(ServerId(int(owner)))
                found |= {
                    track_host(one) for one in await self._repository.all(TRACK_DOMAINS, server)
                }
            self._known = frozenset(found)
            self._until = self._clock.monotonic() + KEPT_SECONDS
        return self._known
