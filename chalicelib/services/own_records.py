"""What the installation itself needs in DNS: names of this host, of bounces, of SPF and of tracked links.

The addresses of the host are arguments, or those of the sources that send by themselves. What a customer's domain needs
is `chalicelib.domain.dns.records`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chalicelib.config import Settings
from chalicelib.domain.dns.records import dkim_text, key_name
from chalicelib.domain.errors import NotFound
from chalicelib.domain.tenancy.dkim_key import DkimKey
from chalicelib.domain.tenancy.findings import Purpose
from chalicelib.domain.tenancy.owners import of_pool
from chalicelib.domain.tenancy.sources import SOURCES, EgressKind
from chalicelib.ports.repository import Repository
from chalicelib.services.tenancy.directory import Directory

PUBLIC_ADDRESS = "the public address of this host"


@dataclass(frozen=True, slots=True)
class OwnRecord:
    """One record to publish, and what for; `required` unless mail goes without it. A PTR record is set where the
    address comes from. `purpose` is for people, `role` the same as a word of the API."""

    kind: str
    name: str
    value: str
    purpose: str
    required: bool = True
    role: Purpose = Purpose.HOST


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
        yield OwnRecord(
            "PTR",
            address,
            host,
            "the reverse name, set where the address comes from",
            role=Purpose.REVERSE,
        )
    if settings.web_hostname != host:
        yield OwnRecord("CNAME", settings.web_hostname, host, "the API", role=Purpose.WEB)


def _incoming(settings: Settings, addresses: Sequence[str]) -> Iterator[OwnRecord]:
    """What customers' MX names, if that is not the host itself; an MX leads to no CNAME (RFC 5321 section 5.1)."""
    known = {settings.smtp_hostname.lower(), *Settings().mx_host_names}  # the latter are examples
    for host in settings.mx_host_names:
        for address in () if host in known else addresses or (PUBLIC_ADDRESS,):
            kind = "AAAA" if ":" in address else "A"
            purpose = "what the MX of your domains names"
            yield OwnRecord(kind, host, address, purpose, False)


def _bounces(settings: Settings, key: DkimKey | None) -> Iterator[OwnRecord]:
    host, back, spf = settings.smtp_hostname, settings.return_path_domain, settings.spf_include
    yield OwnRecord(
        "TXT",
        spf,
        f"v=spf1 a:{host} -all",
        "who sends for you; add other ways out, as ip4:…",
        role=Purpose.SPF,
    )
    yield OwnRecord(
        "MX", back, f"10 {host}", "where bounces come back to", role=Purpose.RETURN_PATH
    )
    yield OwnRecord("TXT", back, f"v=spf1 include:{spf} -all", "SPF of bounces", role=Purpose.SPF)
    if key is not None:
        yield OwnRecord(
            "TXT", key_name(key), dkim_text(key), "DKIM of the installation", role=Purpose.DKIM_RSA
        )


def _tracking(settings: Settings) -> Iterator[OwnRecord]:
    purpose = "opens and clicks, if you track them"
    yield OwnRecord(
        "CNAME", settings.track_domain, settings.web_hostname, purpose, False, Purpose.TRACK
    )


class OwnRecords:
    """Says what to publish, as far as the installation knows its addresses."""

    def __init__(self, settings: Settings, directory: Directory, repository: Repository) -> None:
        self._settings = settings
        self._directory = directory
        self._repository = repository

    async def wanted(self) -> list[OwnRecord]:
        """All records whose names and values are known."""
        addresses: list[str] = []
        for pool in await self._repository.owners(SOURCES):
            for source in await self._repository.all(SOURCES, of_pool(pool)):
                if source.kind is EgressKind.DIRECT:
                    addresses += filter(None, (source.address, source.address6))
        try:
            key: DkimKey | None = (await self._directory.installation()).signing_key
        except NotFound:
            key = None
        every = own_records(self._settings, list(dict.fromkeys(addresses)), key)
        return [one for one in every if PUBLIC_ADDRESS not in (one.name, one.value)]
