"""What receivers find under an address that mail leaves from: its reverse names, and whether one leads back (FCrDNS).

Asks at most MOST_NAMES names of an address, for PATIENCE_SECONDS at most. Never raises for what DNS says.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from chalicelib.domain.dns.records import is_domain_name
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.outgoing.reverse_names import Verdict, is_among, is_seen, version_of
from chalicelib.ports.resolver import Resolver
from chalicelib.services.gather import gather

MOST_NAMES = 10
PATIENCE_SECONDS = 15.0
NAMELESS = "Something that is no name"
Known = Mapping[int, tuple[Verdict, str]]
"""What is known of the address of each family (4, 6), and what is wrong with it."""


class ReverseNames:
    """Looks them up."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    async def of(self, addresses: Iterable[str]) -> Known:
        """What is known of these addresses, one of a family."""
        asked = list(addresses)
        found = await gather(map(self._known, asked))
        return {version_of(one): known for one, known in zip(asked, found, strict=True)}

    async def _known(self, address: str) -> tuple[Verdict, str]:
        """Whether it has a name that leads back to it, and what is wrong otherwise."""
        if not is_seen(address):
            return Verdict.UNSEEN, ""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await self._judged(address)
        except (TemporaryFailure, TimeoutError):
            return Verdict.UNTOLD, ""

    async def _judged(self, address: str) -> tuple[Verdict, str]:
        names = await self._resolver.ptr(address, whole=True)
        if not names:
            return Verdict.BAD, f"{address} has no reverse name."
        if await self._lead_back(address, names[:MOST_NAMES]):
            return Verdict.GOOD, ""
        shown = names[0] if is_domain_name(names[0]) else NAMELESS
        return Verdict.BAD, f"{shown}, the reverse name of {address}, does not lead back to it."

    async def _lead_back(self, address: str, names: tuple[str, ...]) -> bool:
        """Whether one of the names does. Raises TemporaryFailure when none does and DNS does not tell of each."""
        trouble = None
        for name in names:
            try:
                if is_among(address, await self._resolver.addresses(name)):
                    return True
                await self._resolver.addresses(name, whole=True)
            except TemporaryFailure as away:
                trouble = away
        if trouble is not None:
            raise trouble
        return False
