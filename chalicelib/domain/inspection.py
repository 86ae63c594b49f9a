"""What was found of an incoming message when it was looked at: spam, threats, and who vouches for its sender.

It is stored with the record as JSON, field by field under these names, which never change. Results are those of RFC
8601; nothing here finds them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class SpamStatus(StrEnum):
    """Contract section 1.11; the texts are wire facts."""

    NOT_CHECKED = "NotChecked"
    NOT_SPAM = "NotSpam"
    SPAM = "Spam"


@dataclass(frozen=True, slots=True)
class SpamCheck:
    """One rule of a scanner that said something."""

    code: str
    score: float
    description: str


@dataclass(frozen=True, slots=True)
class Spam:
    """What a scanner made of it, under the threshold of its server; `scanner` is None where none is configured."""

    score: float = 0.0
    threshold: float = 5.0
    scanner: str | None = None
    checks: tuple[SpamCheck, ...] = ()

    @property
    def status(self) -> SpamStatus:
        """Spam is what scores above the threshold (contract section 5.3)."""
        return SpamStatus.SPAM if self.score > self.threshold else SpamStatus.NOT_SPAM


@dataclass(frozen=True, slots=True)
class Threat:
    """What a virus scanner said; `asked`: whether there was one to ask."""

    found: bool = False
    details: str = "No threats found"
    asked: bool = False


@dataclass(frozen=True, slots=True)
class Spf:
    """RFC 7208, of the domain of MAIL FROM, or of the name in HELO where that is null."""

    result: str = "none"
    domain: str | None = None
    client: str | None = None


@dataclass(frozen=True, slots=True)
class DkimSignature:
    """RFC 6376, of one signature."""

    result: str
    domain: str
    selector: str


@dataclass(frozen=True, slots=True)
class Dmarc:
    """RFC 9989: `domain` is that of From, `policy` the one that applies, `aligned` which of spf and dkim vouch."""

    result: str = "none"
    domain: str | None = None
    policy: str | None = None
    aligned: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Authentication:
    """Who vouches for the sender; `arc` is the state of the chain (RFC 8617), `arc_reason` what is to be said of it."""

    spf: Spf = Spf()
    dkim: tuple[DkimSignature, ...] = ()
    dmarc: Dmarc = Dmarc()
    arc: str = "none"
    arc_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Inspection:
    """All of it."""

    spam: Spam = Spam()
    threat: Threat = Threat()
    authentication: Authentication = Authentication()
