"""The nouns of opens and clicks as frozen values: the host names that count them, and each hit.

Times are epoch seconds. Nothing here validates: borders parse, then these are true.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from chalicelib.domain.tenancy.entities import ServerId
from chalicelib.domain.tenancy.entity import Entity, Place
from chalicelib.domain.tenancy.owners import of_server


class EngagementKind(StrEnum):
    """What a recipient, or a machine on the way, did."""

    OPEN = "open"
    CLICK = "click"


class DnsStatus(StrEnum):
    """What the last look at a DNS record found (contract sections 1.6 and 8)."""

    OK = "OK"
    MISSING = "Missing"
    INVALID = "Invalid"


@dataclass(frozen=True, slots=True)
class TrackDomain:
    """The host that links and images of one sending domain point to (contract section 1.6).

    `name` is what links have as their host: `label` plus `domain`, or the one address at which an installation without
    DNS of its own answers for all of them. Links are replaced only while `dns_status` is OK.
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


TRACK_DOMAINS = Entity(
    TrackDomain,
    "track domain",
    place=lambda one: Place(of_server(one.server_id), one.domain),
    code="TD",
    filters=("dns_status",),
    texts=("name", "domain"),
)


@dataclass(frozen=True, slots=True)
class EngagementEvent:
    """One open or click. `url` is the target of a click; `automatic` says that it looks like a machine's."""

    kind: EngagementKind
    at: float
    address: str
    user_agent: str
    url: str = ""
    automatic: bool = False
