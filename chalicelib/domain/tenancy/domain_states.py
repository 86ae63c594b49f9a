"""What is known of sending domains that sending does not ask for: what checks found, and a code on its way.

It stands apart from `Domain`, which the mail path reads, because it is larger and changes with every check.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from chalicelib.domain.numbering import OrganizationId, ServerId
from chalicelib.domain.tenancy.domains import Domain
from chalicelib.domain.tenancy.entity import Entity, Place
from chalicelib.domain.tenancy.findings import Finding
from chalicelib.domain.tenancy.owners import of_domain_owner


class DnsEvent(StrEnum):
    """What an hourly check of a server's own domain has to tell (api.md 2.6 and 2.18)."""

    FAILED = "domain.dns_failed"
    STILL_FAILED = "still failed"  # of this, webhooks of the format `postal` are told alone
    RECOVERED = "domain.dns_recovered"


@dataclass(frozen=True, slots=True)
class ToldEvent:
    """One of them, and when it happened."""

    kind: DnsEvent
    at: int


@dataclass(frozen=True, slots=True)
class EmailCode:
    """A code that was mailed: its MAC, when it ends, and how often somebody tried it."""

    mac: str
    ends_at: int
    tries: int = 0


@dataclass(frozen=True, slots=True)
class DomainState:
    """The state of the domain with this uuid; that of another of its name counts as none.

    checked_at: the last check. hour_began_at: the first one, or the last that nobody asked for; an hour later comes the
    next. records_ok: the records that sending takes were as they should be when they were last known.
    missing_since, missing_checks: since when, and in how many checks, the record that proved the owner is not there.
    failed_since: since when hourly checks find it not good. events: those of the last day, oldest first.
    """

    name: str
    organization_id: OrganizationId
    server_id: ServerId | None
    uuid: str
    checked_at: int | None = None
    hour_began_at: int | None = None
    records_ok: bool = False
    findings: tuple[Finding, ...] = ()
    missing_since: int | None = None
    missing_checks: int = 0
    failed_since: int | None = None
    events: tuple[ToldEvent, ...] = ()
    code: EmailCode | None = None

    @staticmethod
    def of(domain: Domain) -> DomainState:
        """The state of a domain that nobody looked at."""
        return DomainState(domain.name, domain.organization_id, domain.server_id, domain.uuid)


DOMAIN_STATES = Entity(
    DomainState,
    "state of a domain",
    place=lambda one: Place(of_domain_owner(one.organization_id, one.server_id), one.name),
    code="DS",
)
