"""The addresses that receivers see mail come from, and the names that stand in it: what lists are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

from chalicelib.config import Settings
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.outgoing.reverse_names import is_seen
from chalicelib.domain.registered_name import registered_name
from chalicelib.domain.tenancy.sources import EgressKind, EgressSource
from chalicelib.ports.resolver import Resolver
from chalicelib.services.pools.look_at_sources import OutwardAddresses

MOST_NAMES = 50
MOST_ADDRESSES = 500
MOST_OF_ONE = 4  # addresses of a source that has none of its own
_EXAMPLES = Settings()
_HOSTS = ("web_hostname", "smtp_hostname", "return_path_domain", "track_domain")


class OwnAddresses:
    """Knows them, as far as the configuration and the DNS do."""

    def __init__(self, settings: Settings, resolver: Resolver, outward: OutwardAddresses) -> None:
        self._settings = settings
        self._resolver = resolver
        self._outward = outward

    async def of(self, source: EgressSource) -> tuple[str, ...] | None:
        """Those of a source: its own, or those of the name that it introduces itself with where it has none that the
        world sees; the host's name says nothing of where a proxy is. None when the DNS does not tell now."""
        if source.kind is EgressKind.SMARTHOST:
            return ()
        own: Sequence[str] = tuple(filter(None, (source.address, source.address6)))
        if not own and source.kind is EgressKind.DIRECT:
            own = self._outward.found()
        seen = tuple(filter(is_seen, own))
        usual = self._settings.smtp_hostname if source.kind is EgressKind.DIRECT else ""
        name = source.ehlo or usual
        return seen or (await self.of_name(name) if name else ())

    async def of_name(self, name: str) -> tuple[str, ...] | None:
        """Those of a name that is not the example of the settings; None when the DNS does not tell now."""
        if name == _EXAMPLES.smtp_hostname:
            return ()
        try:
            found = await self._resolver.addresses(name, whole=True)
        except TemporaryFailure:
            return None
        return tuple(filter(is_seen, found))[:MOST_OF_ONE]

    def names(self, sources: Iterable[EgressSource]) -> tuple[str, ...]:
        """The installation's own names and those of its sources, and what was registered of each."""
        hosts = [str(getattr(self._settings, one)) for one in _HOSTS]
        hosts = [
            one
            for one, field in zip(hosts, _HOSTS, strict=True)
            if one != getattr(_EXAMPLES, field)
        ]
        hosts += [one.ehlo for one in sources if one.ehlo]
        every = (name.lower() for host in hosts for name in (host, registered_name(host)))
        return tuple(islice(dict.fromkeys(every), MOST_NAMES))
