"""What a customer publishes in DNS for a domain, and whether what is published there will do.

Records and texts follow contract section 8, with a second DKIM record for the Ed25519 key (RFC 8463) and a suggested
DMARC record (RFC 9989). Pure: the look-ups are somebody else's, their answers are arguments here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from chalicelib.domain.tenancy.dkim_key import DkimKey
from chalicelib.domain.tenancy.domains import Domain
from chalicelib.domain.tenancy.track_domains import TrackDomain

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


class Purpose(StrEnum):
    """What a record is for."""

    OWNERSHIP = "ownership"
    DKIM_RSA = "dkim-rsa"
    DKIM_ED25519 = "dkim-ed25519"
    SPF = "spf"
    RETURN_PATH = "return-path"
    DMARC = "dmarc"
    TRACK = "track"


class RecordStatus(StrEnum):
    """Contract section 1.5, and Unknown when the name servers could not be asked."""

    OK = "OK"
    MISSING = "Missing"
    INVALID = "Invalid"
    UNKNOWN = "Unknown"


Judgement = tuple[RecordStatus, str]
"""What a look at a record found, and what is wrong; no text when it is right."""


@dataclass(frozen=True, slots=True)
class DnsNames:
    """The installation's part of every record: settings of the group `dns` in contract section 10."""

    return_path_domain: str
    return_path_prefix: str
    dkim_identifier: str
    verify_prefix: str
    spf_include: str


@dataclass(frozen=True, slots=True)
class DnsRecord:
    """One record to publish. `required`: without it Posthorn does not send as this domain, or not with its own key."""

    purpose: Purpose
    kind: str  # "TXT" or "CNAME"
    name: str
    value: str
    required: bool


@dataclass(frozen=True, slots=True)
class Finding:
    """How one published record compares with the wanted one. `text` is empty when it is right."""

    purpose: Purpose
    name: str
    status: RecordStatus
    text: str = ""


def is_domain_name(text: str) -> bool:
    """True for a lower-case ASCII domain of two or more labels, 63 octets each and 253 in all (RFC 1035 §2.3.4).

    International names are given as A-labels (`xn--…`); a name whose last label is all digits is an address, no domain.
    """
    if not text or len(text) > 253:
        return False
    labels = text.split(".")
    if len(labels) < 2 or labels[-1].isdigit():
        return False
    return all(_LABEL.fullmatch(label) for label in labels)


def is_label(text: str) -> bool:
    """True for one lower-case label of a domain name."""
    return _LABEL.fullmatch(text) is not None


def selector(names: DnsNames, identifier: str, algorithm: str) -> str:
    """The DKIM selector of a domain's key: `posthorn-abcdef` for RSA, `posthorn-abcdef-ed` for Ed25519."""
    ending = "-ed" if algorithm == "ed25519-sha256" else ""
    return f"{names.dkim_identifier}-{identifier}{ending}"


def dkim_text(key: DkimKey) -> str:
    """The TXT value of a key (RFC 6376 §3.6.1, RFC 8463 §4)."""
    kind = "k=ed25519; " if key.algorithm == "ed25519-sha256" else ""
    return f"v=DKIM1; {kind}t=s; h=sha256; p={key.public};"


def records_for(domain: Domain, names: DnsNames) -> tuple[DnsRecord, ...]:
    """All records to publish for a domain, in the order to do it."""
    ownership = f"{names.verify_prefix} {domain.verification_token}"
    spf = f"v=spf1 a mx include:{names.spf_include} ~all"
    host = f"{names.return_path_prefix}.{domain.name}"
    return (
        DnsRecord(Purpose.OWNERSHIP, "TXT", domain.name, ownership, True),
        *(
            DnsRecord(_purpose(key), "TXT", key_name(key), dkim_text(key), True)
            for key in domain.keys
        ),
        DnsRecord(Purpose.SPF, "TXT", domain.name, spf, False),
        DnsRecord(Purpose.RETURN_PATH, "CNAME", host, names.return_path_domain, False),
        DnsRecord(Purpose.DMARC, "TXT", f"_dmarc.{domain.name}", "v=DMARC1; p=none", False),
    )


def track_record(track: TrackDomain, target: str) -> DnsRecord:
    """The record that brings the requests of a track domain to us; `target` is the installation's own name."""
    return DnsRecord(Purpose.TRACK, "CNAME", track_host(track), target, required=True)


def track_host(track: TrackDomain) -> str:
    """The name of a track domain in DNS."""
    return f"{track.label}.{track.domain}"


def key_name(key: DkimKey) -> str:
    """Where a key is published."""
    return f"{key.selector}._domainkey.{key.domain}"


def compare(record: DnsRecord, found: Sequence[str]) -> Finding:
    """Whether what is published under the name of a record will do. `found` are the values there of the record's
    kind."""
    status, text = _JUDGES[record.purpose](record, found)
    return Finding(record.purpose, record.name, status, text)


def _purpose(key: DkimKey) -> Purpose:
    return Purpose.DKIM_ED25519 if key.algorithm == "ed25519-sha256" else Purpose.DKIM_RSA


def _ownership(record: DnsRecord, found: Sequence[str]) -> Judgement:
    """The text is there, exactly."""
    if record.value in found:
        return _RIGHT
    return (
        RecordStatus.MISSING,
        "We couldn't verify your domain. Please double check you've added the TXT record correctly.",
    )


def _spf(record: DnsRecord, found: Sequence[str]) -> Judgement:
    """Any SPF record of the domain includes ours."""
    policies = [text.lower().split() for text in found if text.lower().startswith("v=spf1")]
    if not policies:
        return RecordStatus.MISSING, "No SPF record exists for this domain"
    wanted = next(word for word in record.value.split() if word.startswith("include:"))
    if any(wanted.lower() in policy for policy in policies):
        return _RIGHT
    included = wanted.removeprefix("include:")
    return RecordStatus.INVALID, f"An SPF record exists but it doesn't include {included}"


def _key(record: DnsRecord, found: Sequence[str]) -> Judgement:
    """Compared literally, the final semicolon optional."""
    name = record.name
    if not found:
        return RecordStatus.MISSING, f"No TXT records were returned for {name}"
    if len(found) > 1:
        text = f"There are {len(found)} records at {name}. There should only be one."
        return RecordStatus.INVALID, text
    if found[0].strip().removesuffix(";") == record.value.removesuffix(";"):
        return _RIGHT
    return (
        RecordStatus.INVALID,
        f"The DKIM record at {name} does not match the record we have provided. "
        "Please check it has been copied correctly.",
    )


def _alias(record: DnsRecord, found: Sequence[str]) -> Judgement:
    """The CNAME points to us."""
    if not found:
        what = "return path record" if record.purpose is Purpose.RETURN_PATH else "record"
        return RecordStatus.MISSING, f"There is no {what} at {record.name}"
    if found[0].lower().rstrip(".") == record.value.lower():
        return _RIGHT
    return (
        RecordStatus.INVALID,
        f"There is a CNAME record at {record.name} but it points to {found[0]} which is incorrect. "
        f"It should point to {record.value}.",
    )


def _dmarc(record: DnsRecord, found: Sequence[str]) -> Judgement:
    """One is at the domain itself. Missing is advice only: a parent's record may cover it."""
    if any(text.replace(" ", "").lower().startswith("v=dmarc1;p=") for text in found):
        return _RIGHT
    return RecordStatus.MISSING, f"No DMARC record exists at {record.name}"


_RIGHT: Judgement = (RecordStatus.OK, "")
_JUDGES: dict[Purpose, Callable[[DnsRecord, Sequence[str]], Judgement]] = {
    Purpose.OWNERSHIP: _ownership,
    Purpose.DKIM_RSA: _key,
    Purpose.DKIM_ED25519: _key,
    Purpose.SPF: _spf,
    Purpose.RETURN_PATH: _alias,
    Purpose.DMARC: _dmarc,
    Purpose.TRACK: _alias,
}
