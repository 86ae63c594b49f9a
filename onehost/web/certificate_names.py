"""For which names whoever stands in front may obtain a certificate when somebody asks for one by TLS.

They are the names of the installation that browsers use, and track domains whose last look at DNS was good and whose
server is not suspended. Anything else is none: who connects chooses the name, so a certificate for any name would let
strangers use up what an authority gives to this host. Of track domains whose certificate nobody has seen yet MOST_NEW
are let in within WINDOW_SECONDS, so that no customer uses it up either. Nothing is changed, and a name costs one read
of what it names.
"""

from __future__ import annotations

from chalicelib.config import Settings
from chalicelib.domain.domain_name import LONGEST_NAME, ascii_name
from chalicelib.domain.tenancy.entity import Place
from chalicelib.domain.tenancy.owners import of_server
from chalicelib.domain.tenancy.servers import SERVERS
from chalicelib.domain.tenancy.track_domains import TRACK_DOMAINS, DnsStatus, TrackDomain
from chalicelib.ports.clock import Clock
from chalicelib.ports.repository import Repository
from onehost.browser_names import browser_names
from onehost.web.track_hosts import TrackHosts

MOST_NEW = 5
WINDOW_SECONDS = 120.0


class CertificateNames:
    """Judges names."""

    def __init__(
        self, settings: Settings, repository: Repository, hosts: TrackHosts, clock: Clock
    ) -> None:
        self._settings = settings
        self._repository = repository
        self._hosts = hosts
        self._clock = clock
        self._let_in: dict[str, float] = {}

    async def has(self, asked: str) -> bool:
        """Whether there may be a certificate for a name, as TLS has it: ASCII, without a full stop at its end."""
        if len(asked) > LONGEST_NAME or not asked.isascii():
            return False
        name = ascii_name(asked)
        if name is None:
            return False
        return name in browser_names(self._settings) or await self._is_tracked(name)

    async def _is_tracked(self, name: str) -> bool:
        places = await self._hosts.places(name)
        tracks = await self._repository.get_many(TRACK_DOMAINS, places)
        good = [one for one in tracks.values() if _is_good(one, name)]
        servers = await self._repository.get_many(
            SERVERS, [Place(of_server(one.server_id)) for one in good]
        )
        in_use = {server.id for server in servers.values() if not server.is_suspended}
        found = [one for one in good if one.server_id in in_use]
        return any(map(self._has_one, found)) or (bool(found) and self._lets_in(name))

    def _has_one(self, track: TrackDomain) -> bool:
        """Whether the last look by HTTPS was shown a certificate that is still valid."""
        return not track.https_fault and (track.https_ends_at or 0) > self._clock.now()

    def _lets_in(self, name: str) -> bool:
        """Whether a new name is among the few of this time, for as long as that lasts."""
        now = self._clock.monotonic()
        recent = {one: at for one, at in self._let_in.items() if now - at < WINDOW_SECONDS}
        if name not in recent and len(recent) < MOST_NEW:
            recent[name] = now
        self._let_in = recent
        return name in recent


def _is_good(track: TrackDomain, name: str) -> bool:
    return track.id == name and track.dns_status is DnsStatus.OK
