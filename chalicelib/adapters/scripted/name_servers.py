"""Name servers that publish what a scripted resolver says."""

from __future__ import annotations

from chalicelib.adapters.network.name_servers import as_text
from chalicelib.adapters.scripted.resolver import ScriptedResolver
from chalicelib.domain.errors import NotFound
from chalicelib.ports.name_servers import NameServers


class ScriptedNameServers(NameServers):
    """The `NameServers` port over the dictionary of a resolver: what fails there fails here."""

    def __init__(self, resolver: ScriptedResolver) -> None:
        self._resolver = resolver

    async def published(self, name: str, kind: str) -> tuple[str, ...]:
        """What the resolver has under the name."""
        if kind == "TXT":
            return await self._resolver.txt(name)
        if kind == "CNAME":
            target = await self._resolver.cname(name)
            return () if target is None else (target,)
        if kind == "MX":
            try:
                return tuple(map(as_text, await self._resolver.mx(name)))
            except NotFound:
                return ()
        if kind == "NS":
            try:
                return await self._resolver.ns(name)
            except NotFound:
                return ()
        addresses = await self._resolver.addresses(name)
        return tuple(one for one in addresses if (":" in one) == (kind == "AAAA"))
