"""Whether the SPF record that customers include lets mail come from the addresses that it leaves from (RFC 7208)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from chalicelib.config import Settings
from chalicelib.domain.incoming.spf_check import check_spf
from chalicelib.domain.outgoing.reverse_names import is_seen
from chalicelib.ports.resolver import Resolver
from chalicelib.services.ask_dns import AskDns
from chalicelib.services.gather import gather

PATIENCE_SECONDS = 15.0
# Beside what is right: what nobody knows now, and that there is no record, which the check of our names says.
NO_FAULT = ("pass", "temperror", "none")
EXAMPLE = Settings().spf_include


class OwnSpf:
    """Asks as a receiver does."""

    def __init__(self, settings: Settings, resolver: Resolver) -> None:
        self._include = settings.spf_include
        self._helo = settings.smtp_hostname
        self._dns = AskDns(resolver)

    async def faults(self, addresses: Iterable[str]) -> list[str]:
        """A sentence for each address that the record does not cover; none for what DNS does not tell."""
        if self._include == EXAMPLE:
            return []
        seen = [one for one in addresses if is_seen(one)]
        covered = await gather(map(self._may_cover, seen))
        return [
            f"The SPF record of {self._include} does not cover {address}."
            for address, is_covered in zip(seen, covered, strict=True)
            if not is_covered
        ]

    async def _may_cover(self, address: str) -> bool:
        asking = check_spf(address, f"postmaster@{self._include}", self._helo)
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return (await self._dns.value_of(asking)).result in NO_FAULT
        except TimeoutError:
            return True
