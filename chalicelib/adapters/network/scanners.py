"""The `Scanners` port over spamd or rspamd, and clamd, as the settings name them; rspamd wins over spamd.

Each scan has one connection and one limit of time. Nothing is asked twice: who may wait tries the message again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

from chalicelib.adapters.network.scan_peers import Unreadable, ask_clamd, ask_rspamd, ask_spamd
from chalicelib.config import Settings
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.inspection import Threat
from chalicelib.ports.scanners import ScannedMail, Scanners, ScanRefused, ScanTimedOut, SpamReport

T = TypeVar("T")
SPAMD, RSPAMD, CLAMD = "spamd", "rspamd", "clamd"
SECONDS = {SPAMD: 15, RSPAMD: 10, CLAMD: 10}  # contract section 5
_PROBE = b"From: <>\r\nSubject: Are you there?\r\n\r\nAre you there?\r\n"


class NetworkScanners(Scanners):
    """Scanners in the operator's network."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @property
    def names(self) -> tuple[str, ...]:
        """See `chalicelib.ports.scanners.Scanners.names`."""
        spam = self.spam_scanner
        return ((spam,) if spam else ()) + ((CLAMD,) if self._settings.clamd else ())

    @property
    def spam_scanner(self) -> str | None:
        """See `chalicelib.ports.scanners.Scanners.spam_scanner`."""
        if self._settings.rspamd:
            return RSPAMD
        return SPAMD if self._settings.spamd else None

    async def spam(self, mail: ScannedMail) -> SpamReport | None:
        """See `chalicelib.ports.scanners.Scanners.spam`."""
        name = self.spam_scanner
        if name is None:
            return None
        if name == RSPAMD:
            found = await self._within(name, ask_rspamd(self._settings.rspamd, mail))
        else:
            found = await self._within(name, ask_spamd(self._settings.spamd, mail))
        return SpamReport(name, found.score, found.checks)

    async def threat(self, content: bytes) -> Threat | None:
        """See `chalicelib.ports.scanners.Scanners.threat`."""
        if not self._settings.clamd:
            return None
        return await self._within(CLAMD, ask_clamd(self._settings.clamd, content))

    async def probe(self, name: str) -> None:
        """See `chalicelib.ports.scanners.Scanners.probe`."""
        if name == CLAMD:
            await self.threat(_PROBE)
        else:
            await self.spam(ScannedMail(_PROBE))

    async def _within(self, name: str, scan: Coroutine[None, None, T]) -> T:
        try:
            async with asyncio.timeout(self._settings.scan_seconds or SECONDS[name]):
                return await scan
        except TimeoutError as late:
            raise ScanTimedOut(f"{name} takes too long.") from late
        except Unreadable as said:
            raise ScanRefused(f"{name} cannot scan a message.") from said
        except (OSError, ValueError) as trouble:
            raise TemporaryFailure(f"{name} cannot be reached.") from trouble
