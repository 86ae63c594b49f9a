"""Scanners by script: what they find is set by whoever plays with them.

`report` and `found` are what they answer, None for a scanner that is not configured; either may be an error to raise.
`asked` has what was to be scanned for spam.
"""

from __future__ import annotations

from chalicelib.domain.errors import MailError
from chalicelib.domain.inspection import Threat
from chalicelib.ports.scanners import ScannedMail, Scanners, SpamReport


class ScriptedScanners(Scanners):
    """The `Scanners` port without scanners."""

    def __init__(self) -> None:
        self.report: SpamReport | MailError | None = None
        self.found: Threat | MailError | None = None
        self.asked: list[ScannedMail] = []

    @property
    def names(self) -> tuple[str, ...]:
        """Those with an answer."""
        answers = (("spamd", self.report), ("clamd", self.found))
        return tuple(name for name, answer in answers if answer is not None)

    @property
    def spam_scanner(self) -> str | None:
        """The name of the one for spam."""
        return None if self.report is None else "spamd"

    async def spam(self, mail: ScannedMail) -> SpamReport | None:
        """The report."""
        self.asked.append(mail)
        if isinstance(self.report, MailError):
            raise self.report
        return self.report

    async def threat(self, content: bytes) -> Threat | None:
        """What was found."""
        if isinstance(self.found, MailError):
            raise self.found
        return self.found

    async def probe(self, name: str) -> None:
        """As a scan."""
        await (self.threat(b"") if name == "clamd" else self.spam(ScannedMail(b"")))
