"""Host names that tell of opens and clicks."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from chalicelib.domain.numbering import ServerId
from chalicelib.domain.tenancy.entity import Entity, Place
from chalicelib.domain.tenancy.owners import of_server


class DnsStatus(StrEnum):
    """What the last look at a DNS record found (contract sections 1.6 and 8)."""

    OK = "OK"
    MISSING = "Missing"
    INVALID = "Invalid"


@dataclass(frozen=True, slots=True)
class TrackDomain:
    """The host that links and images of one sending domain point to (contract section 1.6).

    `name` is what links have as their host: `label` plus `domain`, or the one address at which an installation without
    DNS of its own answers for all of them. Links are replaced only while `dns_status` is OK. The last look found
    `dns_found`, or nobody to ask. `https_fault` is what is wrong with https there, empty where nothing is, None where
    nobody has looked; `https_ends_at` when the certificate ends that was taken there.
    """

    name: str
    label: str
    domain: str
    server_id: ServerId
    uuid: str
    created_at: int
    ssl_enabled: bool = True
    track_clicks: bool = True
    track_loads: bool = True
    excluded_click_domains: tuple[str, ...] = ()
    dns_status: DnsStatus | None = None
    dns_error: str = ""
    dns_checked_at: int | None = None
    dns_found: tuple[str, ...] = ()
    dns_unanswered: bool = False
    https_fault: str | None = None
    https_checked_at: int | None = None
    https_ends_at: int | None = None

    @property
    def id(self) -> str:
        """What it is called in DNS, and by people."""
        return f"{self.label}.{self.domain}"


TRACK_DOMAINS = Entity(
    TrackDomain,
    "track domain",
    place=lambda one: Place(of_server(one.server_id), one.domain),
    code="TD",
    filters=("dns_status",),
    texts=("name", "domain"),
    audited="track_domain",
)
