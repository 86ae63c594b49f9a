"""What a customer publishes in DNS for a domain, and whether what is published there will do.

Records and texts follow contract section 8, with a second DKIM record for the Ed25519 key (RFC 8463) and a suggested
DMARC record (RFC 9989). Pure: the look-ups are somebody else's, their answers are arguments here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from chalicelib.domain.engagement import TrackDomain
from chalicelib.domain.tenancy.entities import DkimKey, Domain

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


def return_path_host(names: DnsNames, domain: str) -> str:
    """The host under the customer's domain that bounces of its mail go to."""
    return f"{names.return_path_prefix}.{domain}"


def records_for(domain: Domain, names: DnsNames) -> tuple[DnsRecord, ...]:
    """All records to publish for a domain, in the order to do it."""
    keys = tuple(
        DnsRecord(key_purpose(key), "TXT", key_name(key), dkim_text(key), required=True)
        for key in domain.keys
    )
    return (
        DnsRecord(Purpose.OWNERSHIP, "TXT", domain.name, ownership_text(domain, names), True),
        *keys,
        DnsRecord(Purpose.SPF, "TXT", domain.name, spf_text(names), False),
        DnsRecord(
            Purpose.RETURN_PATH,
            "CNAME",
            return_path_host(names, domain.name),
            names.return_path_domain,
            False,
        ),
        DnsRecord(Purpose.DMARC, "TXT", f"_dmarc.{domain.name}", "v=DMARC1; p=none", False),
    )


def ownership_text(domain: Domain, names: DnsNames) -> str:
    """The TXT value that proves who controls the domain."""
    return f"{names.verify_prefix} {domain.verification_token}"


def spf_text(names: DnsNames) -> str:
    """The suggested SPF policy (RFC 7208)."""
    return f"v=spf1 a mx include:{names.spf_include} ~all"


def check_ownership(domain: Domain, names: DnsNames, texts: Sequence[str]) -> Finding:
    """Whether the ownership TXT is there, exactly."""
    if ownership_text(domain, names) in texts:
        return Finding(Purpose.OWNERSHIP, domain.name, RecordStatus.OK)
    text = (
        "We couldn't verify your domain. Please double check you've added the TXT record correctly."
    )
    return Finding(Purpose.OWNERSHIP, domain.name, RecordStatus.MISSING, text)


def check_spf(domain: Domain, names: DnsNames, texts: Sequence[str]) -> Finding:
    """Whether any SPF record of the domain includes ours."""
    policies = [text for text in texts if text.lower().startswith("v=spf1")]
    if not policies:
        text = "No SPF record exists for this domain"
        return Finding(Purpose.SPF, domain.name, RecordStatus.MISSING, text)
    wanted = f"include:{names.spf_include}".lower()
    if any(wanted in policy.lower().split() for policy in policies):
        return Finding(Purpose.SPF, domain.name, RecordStatus.OK)
    text = f"An SPF record exists but it doesn't include {names.spf_include}"
    return Finding(Purpose.SPF, domain.name, RecordStatus.INVALID, text)


def check_key(key: DkimKey, texts: Sequence[str]) -> Finding:
    """Whether the key's TXT is published: compared literally, the final semicolon optional."""
    name, purpose = key_name(key), key_purpose(key)
    if not texts:
        text = f"No TXT records were returned for {name}"
        return Finding(purpose, name, RecordStatus.MISSING, text)
    if len(texts) > 1:
        text = f"There are {len(texts)} records at {name}. There should only be one."
        return Finding(purpose, name, RecordStatus.INVALID, text)
    if texts[0].strip().removesuffix(";") == dkim_text(key).removesuffix(";"):
        return Finding(purpose, name, RecordStatus.OK)
    text = (
        f"The DKIM record at {name} does not match the record we have provided. "
        "Please check it has been copied correctly."
    )
    return Finding(purpose, name, RecordStatus.INVALID, text)


def check_return_path(domain: Domain, names: DnsNames, target: str | None) -> Finding:
    """Whether the return-path CNAME points to us; `target` is None when there is none."""
    name = return_path_host(names, domain.name)
    if target is None:
        text = f"There is no return path record at {name}"
        return Finding(Purpose.RETURN_PATH, name, RecordStatus.MISSING, text)
    if target.lower().rstrip(".") == names.return_path_domain.lower():
        return Finding(Purpose.RETURN_PATH, name, RecordStatus.OK)
    text = (
        f"There is a CNAME record at {name} but it points to {target} which is incorrect. "
        f"It should point to {names.return_path_domain}."
    )
    return Finding(Purpose.RETURN_PATH, name, RecordStatus.INVALID, text)


def check_dmarc(domain: Domain, texts: Sequence[str]) -> Finding:
    """Whether a DMARC record is at the domain itself. Missing is advice only: a parent's record may cover it."""
    name = f"_dmarc.{domain.name}"
    if any(text.replace(" ", "").lower().startswith("v=dmarc1;p=") for text in texts):
        return Finding(Purpose.DMARC, name, RecordStatus.OK)
    return Finding(Purpose.DMARC, name, RecordStatus.MISSING, f"No DMARC record exists at {name}")


def track_record(track: TrackDomain, target: str) -> DnsRecord:
    """The record that brings the requests of a track domain to us; `target` is the installation's own name."""
    return DnsRecord(Purpose.TRACK, "CNAME", track_host(track), target, required=True)


def track_host(track: TrackDomain) -> str:
    """The name of a track domain in DNS."""
    return f"{track.label}.{track.domain}"


def check_track(track: TrackDomain, target: str, found: str | None) -> Finding:
    """Whether a track domain's CNAME points to us; `found` is None when there is none."""
    name = track_host(track)
    if found is None:
        text = f"There is no record at {name}"
        return Finding(Purpose.TRACK, name, RecordStatus.MISSING, text)
    if found.lower().removesuffix(".") == target.lower():
        return Finding(Purpose.TRACK, name, RecordStatus.OK)
    text = (
        f"There is a CNAME record at {name} but it points to {found} which is incorrect. "
        f"It should point to {target}."
    )
    return Finding(Purpose.TRACK, name, RecordStatus.INVALID, text)


def key_name(key: DkimKey) -> str:
    return f"{key.selector}._domainkey.{key.domain}"


def key_purpose(key: DkimKey) -> Purpose:
    return Purpose.DKIM_ED25519 if key.algorithm == "ed25519-sha256" else Purpose.DKIM_RSA
