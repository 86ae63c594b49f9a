"""Scanners of the operator: what they make of a message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.inspection import SpamCheck, Threat


class ScanTimedOut(TemporaryFailure):
    """A scanner took longer than it may."""


class ScanRefused(TemporaryFailure):
    """A scanner answered, and neither found something nor nothing."""


@dataclass(frozen=True, slots=True)
class ScannedMail:
    """A message to scan, and what is known of its way; `client` is an address as text, "" where nobody is known.
    `is_outgoing`: rules about the network that it came from say nothing."""

    content: bytes
    mail_from: str = ""
    rcpt_to: str = ""
    client: str = ""
    client_name: str = ""
    helo: str = ""
    is_outgoing: bool = False


@dataclass(frozen=True, slots=True)
class SpamReport:
    """What a spam scanner said: points, with one decimal, and the rules that gave them."""

    scanner: str
    score: float
    checks: tuple[SpamCheck, ...] = ()


class Scanners(Protocol):
    """The scanners that are configured, each asked once and within its time. Answers are bounded.

    Raises ScanTimedOut, ScanRefused, and TemporaryFailure for every other trouble.
    """

    @property
    def names(self) -> tuple[str, ...]:
        """The scanners, that of spam first; empty without any."""

    @property
    def spam_scanner(self) -> str | None:
        """The name of the one for spam."""

    async def spam(self, mail: ScannedMail) -> SpamReport | None:
        """How likely a message is spam; None without a scanner."""

    async def threat(self, content: bytes) -> Threat | None:
        """Whether a message holds a virus; None without a scanner."""

    async def probe(self, name: str) -> None:
        """Have one of `names` scan a message of a few lines."""
