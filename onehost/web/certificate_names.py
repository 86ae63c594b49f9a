"""For which names whoever stands in front may obtain a certificate when somebody asks for one by TLS.

They are the names of the installation that browsers use, and track domains whose last look at DNS was good and whose
server is not suspended. Anything else is none: who connects chooses the name, so a certificate for any name would let
strangers use up what an authority gives to this host. Nothing is changed, and a name costs one read of what it names.
"""

from __future__ import annotations

from chalicelib.config import Settings
from chalicelib.domain.domain_name import LONGEST_NAME, ascii_name
from chalicelib.domain.tenancy.entity import Place
from chalicelib.domain.tenancy.owners import of_server
from chalicelib.domain.tenancy.servers import SERVERS
from chalicelib.domain.tenancy.track_domains import TRACK_DOMAINS, DnsStatus, TrackDomain
from chalicelib.ports.repository import Repository
from onehost.browser_names import browser_names
from onehost.web.track_hosts import TrackHosts


class CertificateNames:
    """Judges names."""

    def __init__(self, settings: Settings, repository: Repository, hosts: TrackHosts) -> None:
        self._settings = settings
        self._repository = repository
        self._hosts = hosts

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
        return any(not server.is_suspended for server in servers.values())


def _is_good(track: TrackDomain, name: str) -> bool:
    return track.id == name and track.dns_status is DnsStatus.OK
