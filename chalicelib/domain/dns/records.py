"""What a customer publishes in DNS for a domain, in the order to do it.

Records follow contract section 8, with a second DKIM record for the Ed25519 key (RFC 8463), and advice on what else
receivers look for: DMARC (RFC 9989), MTA-STS (RFC 8461), TLS reports (RFC 8460) and BIMI. Whether what is published
will do is `chalicelib.domain.dns.compare`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from chalicelib.domain.tenancy.dkim_key import ED25519, DkimKey
from chalicelib.domain.tenancy.domains import Domain, VerificationMethod
from chalicelib.domain.tenancy.findings import Purpose
from chalicelib.domain.tenancy.track_domains import TrackDomain

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class DnsNames:
    """The installation's part of every record: settings of the group `dns` in contract section 10."""

    return_path_domain: str
    return_path_prefix: str
    dkim_identifier: str
    verify_prefix: str
    spf_include: str
    mx_hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DnsRecord:
    """One record to publish. `required`: without it Posthorn does not send as this domain, or not with its own key."""

    purpose: Purpose
    kind: str  # "TXT", "CNAME" or "MX"
    name: str
    value: str
    required: bool


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
    ending = "-ed" if algorithm == ED25519 else ""
    return f"{names.dkim_identifier}-{identifier}{ending}"


def dkim_text(key: DkimKey) -> str:
    """The TXT value of a key (RFC 6376 §3.6.1, RFC 8463 §4)."""
    kind = "k=ed25519; " if key.algorithm == ED25519 else ""
    return f"v=DKIM1; t=s; h=sha256; {kind}p={key.public};"


def records_for(domain: Domain, names: DnsNames) -> tuple[DnsRecord, ...]:
    """All records to publish for a domain. An MX has one record for each host."""
    return (*_proving(domain, names), *_sending(domain, names), *_advised(domain))


def track_record(track: TrackDomain, target: str) -> DnsRecord:
    """The record that brings the requests of a track domain to us; `target` is the installation's own name."""
    return DnsRecord(Purpose.TRACK, "CNAME", track_host(track), target, required=True)


def track_host(track: TrackDomain) -> str:
    """The name of a track domain in DNS."""
    return track.id


def key_name(key: DkimKey) -> str:
    """Where a key is published."""
    return f"{key.selector}._domainkey.{key.domain}"


def key_record(key: DkimKey, *, required: bool) -> DnsRecord:
    """The record of a key; an Ed25519 key is never required."""
    is_rsa = key.algorithm != ED25519
    purpose = Purpose.DKIM_RSA if is_rsa else Purpose.DKIM_ED25519
    return DnsRecord(purpose, "TXT", key_name(key), dkim_text(key), required and is_rsa)


def _proving(domain: Domain, names: DnsNames) -> Iterator[DnsRecord]:
    if domain.verification_method is VerificationMethod.DNS:
        ownership = f"{names.verify_prefix} {domain.verification_token}"
        yield DnsRecord(Purpose.OWNERSHIP, "TXT", domain.name, ownership, True)
    for key in domain.keys:
        yield key_record(key, required=True)
    for key in (*domain.next_keys, *domain.retired_keys):
        yield key_record(key, required=False)


def _sending(domain: Domain, names: DnsNames) -> Iterator[DnsRecord]:
    spf = f"v=spf1 a mx include:{names.spf_include} ~all"
    yield DnsRecord(Purpose.SPF, "TXT", domain.name, spf, False)
    host = f"{names.return_path_prefix}.{domain.name}"
    yield DnsRecord(Purpose.RETURN_PATH, "CNAME", host, names.return_path_domain, False)
    for mx in names.mx_hosts:
        yield DnsRecord(Purpose.MX, "MX", domain.name, f"10 {mx}", domain.incoming)


def _advised(domain: Domain) -> Iterator[DnsRecord]:
    """The values are a beginning: what receivers find there is the owner's own choice."""
    name = domain.name
    for purpose, at, value in (
        (Purpose.DMARC, "_dmarc", "v=DMARC1; p=none"),
        (Purpose.MTA_STS, "_mta-sts", f"v=STSv1; id={domain.created_at};"),
        (Purpose.TLS_RPT, "_smtp._tls", f"v=TLSRPTv1; rua=mailto:postmaster@{name}"),
        (Purpose.BIMI, "default._bimi", f"v=BIMI1; l=https://{name}/logo.svg;"),
    ):
        yield DnsRecord(purpose, "TXT", f"{at}.{name}", value, False)
