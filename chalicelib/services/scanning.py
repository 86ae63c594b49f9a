"""Having a message scanned for spam and threats, within the limits of the settings.

Trouble with a scanner lets mail pass and is written down as a check without points (contract section 5), unless the
settings want it tried again.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

from chalicelib.config import Settings
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.inspection import Spam, SpamCheck, Threat
from chalicelib.ports.scanners import ScannedMail, Scanners, ScanRefused, ScanTimedOut

LOG = logging.getLogger("posthorn.scanning")
TOO_BIG = SpamCheck("TOOBIG", 0.0, "Message is too large to be scanned")
TIMED_OUT = SpamCheck("TIMEOUT", 0.0, "Timed out scanning for spam")
FAILED = SpamCheck("ERROR", 0.0, "Error when scanning for spam")
NOT_SCANNED = "Could not scan message"
THREAT_TIMED_OUT = "Timed out scanning for threats"
THREAT_FAILED = "Error when scanning for threats"
TRY_LATER = "The message could not be scanned. It will be tried again later."


class Scan:
    """Asks the scanners."""

    def __init__(self, settings: Settings, scanners: Scanners) -> None:
        self._settings = settings
        self._scanners = scanners

    async def run(self, mail: ScannedMail, threshold: float) -> tuple[Spam, Threat]:
        """What both found. TemporaryFailure when one is in trouble and mail must not pass unscanned."""
        if len(mail.content) > self._settings.scan_max_size:
            return self._too_big(threshold)
        spam, threat = await asyncio.gather(self._spam(mail, threshold), self._threat(mail.content))
        return spam, threat

    def _too_big(self, threshold: float) -> tuple[Spam, Threat]:
        scanner = self._scanners.spam_scanner
        spam = Spam(0.0, threshold, scanner, (TOO_BIG,) if scanner else ())
        is_asked = self._scanners.names not in ((), (scanner,))
        return spam, Threat(False, NOT_SCANNED, asked=True) if is_asked else Threat()

    async def _spam(self, mail: ScannedMail, threshold: float) -> Spam:
        try:
            report = await self._scanners.spam(mail)
        except TemporaryFailure as trouble:
            self._check_open(trouble)
            check = TIMED_OUT if isinstance(trouble, ScanTimedOut) else FAILED
            return Spam(0.0, threshold, self._scanners.spam_scanner, (check,))
        if report is None:
            return Spam(threshold=threshold)
        return Spam(report.score, threshold, report.scanner, report.checks)

    async def _threat(self, content: bytes) -> Threat:
        try:
            found = await self._scanners.threat(content)
            return Threat() if found is None else replace(found, asked=True)
        except ScanTimedOut as late:
            self._check_open(late)
            return Threat(False, THREAT_TIMED_OUT, asked=True)
        except TemporaryFailure as trouble:
            self._check_open(trouble)
            is_answer = isinstance(trouble, ScanRefused)
            return Threat(False, NOT_SCANNED if is_answer else THREAT_FAILED, asked=True)

    def _check_open(self, trouble: TemporaryFailure) -> None:
        LOG.warning("scan failed: %s", trouble.public)
        if self._settings.scan_failure == "closed":
            raise trouble
