"""Which addresses and records stop working where an installation is called otherwise than Postal was."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from chalicelib.domain.postal.config import Names
from chalicelib.domain.tenancy.domains import Domain
from chalicelib.domain.tenancy.routes import Route
from chalicelib.domain.tenancy.servers import Server
from chalicelib.domain.tenancy.track_domains import TrackDomain


@dataclass(slots=True)
class Named:
    """What was brought that has a name of the installation in an address or a record."""

    servers: list[Server] = field(default_factory=list)
    routes: list[Route] = field(default_factory=list)
    domains: list[Domain] = field(default_factory=list)
    tracks: list[TrackDomain] = field(default_factory=list)

    def add(self, value: object) -> None:
        """Take a noun, if it is one of these."""
        match value:
            case Server():
                self.servers.append(value)
            case Route():
                self.routes.append(value)
            case Domain():
                self.domains.append(value)
            case TrackDomain():
                self.tracks.append(value)


@dataclass(frozen=True, slots=True)
class Difference:
    """A name that differs, the setting that would make it Postal's, and what stops working until then."""

    name: str
    postal: str
    ours: str
    setting: str
    lost: tuple[str, ...]


def differences(postal: Names, ours: Names, named: Named) -> list[Difference]:
    """All of them, the worst first."""
    found = [
        Difference(name, before, here, setting, tuple(lost))
        for name, before, here, setting, lost in (
            _return_path(postal, ours, named),
            _prefix(postal, ours, named),
            _route_domain(postal, ours, named),
            _track_domain(postal, ours, named),
            _spf(postal, ours, named),
            _mx(postal, ours, named),
        )
        if before.lower() != here.lower()
    ]
    return found


_Row = tuple[str, str, str, str, Iterator[str]]


def _return_path(postal: Names, ours: Names, named: Named) -> _Row:
    before, here = postal.return_path_domain, ours.return_path_domain

    def lost() -> Iterator[str]:
        yield from (f"{one.token}@{before}" for one in named.servers)
        yield from (f"{postal.prefix}.{one.name} CNAME {before}" for one in named.domains)
        yield f"{postal.dkim_identifier}._domainkey.{before} TXT"

    return "return path domain", before, here, "POSTHORN_RETURN_PATH_DOMAIN", lost()


def _prefix(postal: Names, ours: Names, named: Named) -> _Row:
    def lost() -> Iterator[str]:
        for one in named.domains:
            yield f"{postal.prefix}.{one.name} CNAME {postal.return_path_domain}"
            yield from (
                f"{server.token}@{postal.prefix}.{one.name}"
                for server in _users(one, named.servers)
            )

    setting = "POSTHORN_CUSTOM_RETURN_PATH_PREFIX"
    return "return path prefix", postal.prefix, ours.prefix, setting, lost()


def _route_domain(postal: Names, ours: Names, named: Named) -> _Row:
    lost = (f"{one.token}@{postal.route_domain}" for one in named.routes)
    setting = "POSTHORN_ROUTE_DOMAIN"
    return "route domain", postal.route_domain, ours.route_domain, setting, lost


def _track_domain(postal: Names, ours: Names, named: Named) -> _Row:
    lost = (f"{one.name} CNAME {postal.track_domain}" for one in named.tracks)
    setting = "POSTHORN_TRACK_DOMAIN"
    return "track domain", postal.track_domain, ours.track_domain, setting, lost


def _spf(postal: Names, ours: Names, named: Named) -> _Row:
    lost = (f"{one.name} TXT include:{postal.spf_include}" for one in named.domains)
    return "SPF include", postal.spf_include, ours.spf_include, "POSTHORN_SPF_INCLUDE", lost


def _mx(postal: Names, ours: Names, named: Named) -> _Row:
    before, here = ", ".join(sorted(postal.mx)), ", ".join(sorted(ours.mx))
    lost = (f"{one.name} MX {before}" for one in named.domains if one.incoming)
    return "MX hosts", before, here, "POSTHORN_MX_HOSTS", lost


def _users(domain: Domain, servers: Sequence[Server]) -> list[Server]:
    """The servers that send as a domain."""
    return [
        one
        for one in servers
        if one.id == domain.server_id
        or (domain.server_id is None and one.organization_id == domain.organization_id)
    ]
