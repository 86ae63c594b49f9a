"""What a look at DNS found at one record, as it is remembered beside what was wanted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

MOST_FOUND = 10
LONGEST_FOUND = 2_000  # characters
MOST_OCTETS = 8_000  # of all together, as UTF-8


class Purpose(StrEnum):
    """What a record is for."""

    OWNERSHIP = "ownership"
    DKIM_RSA = "dkim-rsa"
    DKIM_ED25519 = "dkim-ed25519"
    SPF = "spf"
    RETURN_PATH = "return-path"
    MX = "mx"
    DMARC = "dmarc"
    MTA_STS = "mta-sts"
    TLS_RPT = "tls-rpt"
    BIMI = "bimi"
    TRACK = "track"
    HOST = "host"
    REVERSE = "reverse"
    WEB = "web"


class RecordStatus(StrEnum):
    """Contract section 1.5, and Unknown when the name servers could not be asked."""

    OK = "OK"
    MISSING = "Missing"
    INVALID = "Invalid"
    UNKNOWN = "Unknown"


BAD = frozenset({RecordStatus.MISSING, RecordStatus.INVALID})


@dataclass(frozen=True, slots=True)
class Finding:
    """How what is published compares with one wanted record.

    `text` is what to do, empty when it is right; `found` the texts at that name and type, within the bounds above;
    `suggestion` what to publish in place of the first of them. `value` tells records of one purpose and name apart.
    """

    purpose: Purpose
    name: str
    status: RecordStatus
    text: str = ""
    found: tuple[str, ...] = ()
    suggestion: str | None = None
    value: str | None = None


def kept(found: Iterable[str]) -> tuple[str, ...]:
    """As many of the texts, from the first on, as are remembered; the last may be cut."""
    texts: list[str] = []
    left = MOST_OCTETS
    for text in found:
        if len(texts) == MOST_FOUND or left <= 0:
            break
        octets = text[:LONGEST_FOUND].encode("utf-8", "replace")[:left]
        texts.append(octets.decode("utf-8", "ignore"))
        left -= len(octets)
    return tuple(texts)
