"""The names that sources introduce themselves with, looked up in the DNS. Never raises for what that says."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from chalicelib.config import Settings
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.outgoing.ehlo_name import ehlo_fault
from chalicelib.domain.outgoing.reverse_names import is_seen
from chalicelib.domain.tenancy.sources import EgressSource
from chalicelib.ports.resolver import Resolver

PATIENCE_SECONDS = 15.0


class EhloNames:
    """Looks whether they fit."""

    def __init__(self, settings: Settings, resolver: Resolver) -> None:
        self._usual = settings.smtp_hostname
        self._resolver = resolver

    async def faults(self, source: EgressSource, addresses: Iterable[str]) -> list[str] | None:
        """What is wrong with the name of a source that sends from these addresses; None when the DNS does not tell. An
        example of the settings is not asked for."""
        name = source.ehlo or self._usual
        if name == Settings().smtp_hostname:
            return []
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                found = [
                    await self._fault(source.name, name, one) for one in addresses if is_seen(one)
                ]
        except (TemporaryFailure, TimeoutError):
            return None
        return [fault for fault in found if fault]

    async def _fault(self, source: str, name: str, address: str) -> str:
        found = await self._resolver.addresses(name, whole=True)
        return ehlo_fault(
            source, name, address, found, await self._resolver.ptr(address, whole=True)
        )
