"""Which requests are for tracking: by the name that they are sent to, or by a path that nothing else has."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from ipaddress import ip_address

from chalicelib.config import Settings
from chalicelib.domain.dns.records import track_host
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.tenancy.entity import Place
from chalicelib.domain.tenancy.owners import of_server
from chalicelib.domain.tenancy.track_domains import TRACK_DOMAINS
from chalicelib.domain.tracking.visit import is_tracked_path
from chalicelib.ports.clock import Clock
from chalicelib.ports.repository import Repository

KEPT_SECONDS = 30.0
# For a name that may be new. API clients come by any name, and all the time.
LOOK_AGAIN_SECONDS = 1.0
OF_API = "/api/"


class TrackHosts:
    """The track domains of all servers.

    A new one is known a second after it was asked for anything but the API; one that went is forgotten after half a
    minute.
    """

    def __init__(self, settings: Settings, repository: Repository, clock: Clock) -> None:
        self._settings = settings
        self._repository = repository
        self._clock = clock
        self._known: Mapping[str, Sequence[Place]] = {}
        self._read_at = float("-inf")
        self._reading = asyncio.Lock()

    async def are_asked(self, host: str, path: str) -> bool:
        """Whether this is a request for tracking. Links sent before their track domain was removed work on."""
        if is_tracked_path(path) or host == self._settings.track_domain.lower():
            return True
        if host in {"", self._settings.web_hostname.lower()} or _is_address(host):
            return False
        is_known = host in self._known or path.startswith(OF_API)
        await self._read_if_older(KEPT_SECONDS if is_known else LOOK_AGAIN_SECONDS)
        return host in self._known

    async def places(self, host: str) -> Sequence[Place]:
        """Where the track domains of a name stand: several servers may have one. For names that are new all are read
        once a second at most."""
        await self._read_if_older(KEPT_SECONDS if host in self._known else LOOK_AGAIN_SECONDS)
        if host not in self._known:
            async with self._reading:  # who reads at this moment, as after a start, may find it
                pass
        return self._known.get(host, ())

    async def _read_if_older(self, seconds: float) -> None:
        now = self._clock.monotonic()
        if now - self._read_at < seconds or self._reading.locked():
            return
        self._read_at = now
        async with self._reading:
            self._known = await self._found()

    async def _found(self) -> Mapping[str, Sequence[Place]]:
        found: dict[str, list[Place]] = {}
        for owner in await self._repository.owners(TRACK_DOMAINS):
            server = of_server(ServerId(int(owner)))
            for one in await self._repository.all(TRACK_DOMAINS, server):
                found.setdefault(track_host(one), []).append(TRACK_DOMAINS.place(one))
        return found


def _is_address(host: str) -> bool:
    try:
        return bool(ip_address(host))
    except ValueError:
        return False
