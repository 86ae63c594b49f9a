"""What the installation itself needs in DNS: names of this host, of bounces, of SPF and of tracked links.

Pure: the addresses of the host and the key of the installation are arguments. What a customer's domain needs is
`chalicelib.domain.dns.records`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chalicelib.config import Settings
from chalicelib.domain.dns.records import dkim_text, key_name
from chalicelib.domain.tenancy.dkim_key import DkimKey

PUBLIC_ADDRESS = "the public address of this host"


@dataclass(frozen=True, slots=True)
class OwnRecord:
    """One record to publish, and what for; `required` unless mail goes without it. A PTR record is set where the
    address comes from."""

    kind: str
    name: str
    value: str
    purpose: str
    required: bool = True


def own_records(
    settings: Settings, addresses: Sequence[str], key: DkimKey | None
) -> tuple[OwnRecord, ...]:
    """All records, in the order to publish them. Without addresses, which may hide behind a router, words stand in
    their place."""
    return (
        *_host(settings, addresses),
        *_incoming(settings, addresses),
        *_bounces(settings, key),
        *_tracking(settings),
    )


def _host(settings: Settings, addresses: Sequence[str]) -> Iterator[OwnRecord]:
    host = settings.smtp_hostname
    for address in addresses or (PUBLIC_ADDRESS,):
        kind = "AAAA" if ":" in address else "A"
        yield OwnRecord(kind, host, address, "this host, as it greets other servers")
        yield OwnRecord("PTR", address, host, "the reverse name, set where the address comes from")
    if settings.web_hostname != host:
        yield OwnRecord("CNAME", settings.web_hostname, host, "the API")


def _incoming(settings: Settings, addresses: Sequence[str]) -> Iterator[OwnRecord]:
    """What customers' MX names, if that is not the host itself; an MX leads to no CNAME (RFC 5321 section 5.1)."""
    known = {settings.smtp_hostname.lower(), *Settings().mx_host_names}  # the latter are examples
    for host in settings.mx_host_names:
        for address in () if host in known else addresses or (PUBLIC_ADDRESS,):
            kind = "AAAA" if ":" in address else "A"
            purpose = "what the MX of your domains names"
            yield OwnRecord(kind, host, address, purpose, required=False)


def _bounces(settings: Settings, key: DkimKey | None) -> Iterator[OwnRecord]:
    host, back, spf = settings.smtp_hostname, settings.return_path_domain, settings.spf_include
    yield OwnRecord(
        "TXT", spf, f"v=spf1 a:{host} -all", "who sends for you; add other ways out, as ip4:…"
    )
    yield OwnRecord("MX", back, f"10 {host}", "where bounces come back to")
    yield OwnRecord("TXT", back, f"v=spf1 include:{spf} -all", "SPF of bounces")
    if key is not None:
        yield OwnRecord("TXT", key_name(key), dkim_text(key), "DKIM of the installation")


def _tracking(settings: Settings) -> Iterator[OwnRecord]:
    purpose = "opens and clicks, if you track them"
    yield OwnRecord("CNAME", settings.track_domain, settings.web_hostname, purpose, required=False)
