"""Track domains: the names under a customer's domain that tracked links and images point to.

Adding one says which record to publish; checking looks whether it is there and remembers the answer. Links are replaced
only while the last check was good. A name server that cannot be asked changes nothing, and no certificate is made here;
whether there is one is looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields, replace

from chalicelib.config import Settings
from chalicelib.domain.dns import records
from chalicelib.domain.dns.checked import SLACK_SECONDS
from chalicelib.domain.dns.records import DnsRecord
from chalicelib.domain.domain_name import typed_name
from chalicelib.domain.durations import DAY
from chalicelib.domain.errors import (
    Conflict,
    FieldError,
    InvalidRequest,
    NotFound,
    Taken,
    TooMany,
    wrong_field,
)
from chalicelib.domain.https_seen import HttpsSeen, ends_soon
from chalicelib.domain.tenancy.domains import Domain
from chalicelib.domain.tenancy.findings import Finding, RecordStatus
from chalicelib.domain.tenancy.owners import of_server
from chalicelib.domain.tenancy.servers import Server
from chalicelib.domain.tenancy.track_domains import TRACK_DOMAINS, DnsStatus, TrackDomain
from chalicelib.domain.tenancy.uuids import new_uuid
from chalicelib.domain.tracking.excluded_hosts import read_host
from chalicelib.ports.clock import Clock
from chalicelib.ports.name_servers import NameServers
from chalicelib.ports.rand import Rand
from chalicelib.ports.repository import Repository
from chalicelib.services.tenancy.directory import verified_domain
from chalicelib.services.tenancy.published import look_at
from chalicelib.services.tracking.certificates import LookAtCertificate

MOST_EXCLUDED = 1_000
MOST_OF_A_SERVER = 500


@dataclass(frozen=True, slots=True)
class TrackOptions:
    """What can be switched (contract section 1.6), under the names of its fields. `excluded_click_domains` are hosts
    whose links stay as they are."""

    ssl_enabled: bool = True
    track_clicks: bool = True
    track_loads: bool = True
    excluded_click_domains: tuple[str, ...] = ()

    @staticmethod
    def of(track: TrackDomain) -> TrackOptions:
        """The options of a track domain as they are."""
        return TrackOptions(*(getattr(track, each.name) for each in fields(TrackOptions)))


@dataclass(frozen=True, slots=True)
class TrackCheck:
    """A track domain after a look at DNS, and what was found."""

    track: TrackDomain
    finding: Finding


class TrackDomains:
    """Track domains of one server (contract sections 1.6 and 8)."""

    def __init__(
        self,
        repository: Repository,
        name_servers: NameServers,
        clock: Clock,
        rand: Rand,
        settings: Settings,
        certificate: LookAtCertificate,
    ) -> None:
        self._repository = repository
        self._name_servers = name_servers
        self._clock = clock
        self._rand = rand
        self._settings = settings
        self._certificate = certificate

    @property
    def defaults(self) -> TrackOptions:
        """The options of a new track domain: everything on, TLS too unless the installation has none."""
        return TrackOptions(ssl_enabled=not self._settings.track_address)

    async def add(
        self, server: Server, label: str, domain: str, options: TrackOptions | None = None
    ) -> TrackDomain:
        """Add `label`.`domain`. InvalidRequest for what is no label or no verified domain that this server may send
        from; Taken when the server has a track domain for it already, TooMany when it has as many as it may."""
        label = checked_label(label)
        owner = await self._verified(server, domain)
        host = f"{label}.{owner.name}"
        if not records.is_domain_name(host):
            raise wrong_field("label", "The name is too long for a domain name")
        track = TrackDomain(
            name=self._settings.track_address or host,
            label=label,
            domain=owner.name,
            server_id=server.id,
            uuid=new_uuid(self._rand.bytes(16)),
            created_at=int(self._clock.now()),
        )
        track = replace(track, **asdict(_checked(options or self.defaults)))

        async def has_room() -> None:
            if len(await self.of_server(server)) >= MOST_OF_A_SERVER:
                raise TooMany(f"A server has at most {MOST_OF_A_SERVER} track domains")

        try:
            await self._repository.add(TRACK_DOMAINS, track, has_room)
        except TooMany:
            raise
        except Conflict as taken:
            raise Taken("domain", taken.public) from taken
        return track

    async def of_server(self, server: Server) -> list[TrackDomain]:
        """A server's track domains, by sending domain."""
        return await self._repository.all(TRACK_DOMAINS, of_server(server.id))

    async def find(self, server: Server, name: str) -> TrackDomain:
        """By its whole name in DNS, or by its sending domain; NotFound."""
        wanted = typed_name(name) or name.strip()
        for track in await self.of_server(server):
            if wanted in {records.track_host(track), track.domain}:
                return track
        raise NotFound(f"There is no track domain {wanted} here")

    async def update(self, track: TrackDomain, options: TrackOptions) -> TrackDomain:
        """Switch options; begin with `TrackOptions.of(track)` to switch only some. InvalidRequest for an excluded host
        that is none."""
        known, wanted = asdict(TrackOptions.of(track)), asdict(_checked(options))
        # What is not to change may have been changed by somebody else meanwhile.
        changes = {name: one for name, one in wanted.items() if one != known[name]}
        return await self._modify(track, lambda one: replace(one, **changes))

    async def remove(self, track: TrackDomain) -> None:
        """Forget a track domain: mail is no longer tracked. Links sent before work on while the name points to us."""
        await self._repository.remove(TRACK_DOMAINS, track)

    def record(self, track: TrackDomain) -> DnsRecord:
        """The record to publish."""
        return records.track_record(track, self._settings.track_domain)

    async def check(self, track: TrackDomain) -> TrackCheck:
        """Look at what is published and remember it; where it leads here and links are to begin with https, also at
        whether that works."""
        finding = await self.look(track)
        return await self.remember(track, finding, await self.https(track, finding))

    async def https(self, track: TrackDomain, finding: Finding) -> HttpsSeen | None:
        """Whether links with https work now; None where nobody needs them, or they lead elsewhere."""
        if finding.status is not RecordStatus.OK or not track.ssl_enabled:
            return None
        return await self._certificate.of_track_domain(track.name)

    def is_https_due(self, track: TrackDomain) -> bool:
        """Whether an hourly look is to look at https too: once a day, and each hour while something is wrong, or soon
        will be."""
        if track.https_checked_at is None or track.https_fault:
            return True
        now = self._clock.now()
        is_old = now - track.https_checked_at >= DAY - SLACK_SECONDS
        return is_old or bool(ends_soon(track.https_ends_at, now))

    async def look(self, track: TrackDomain) -> Finding:
        """What is published now."""
        (finding,) = await look_at(self._name_servers, [self.record(track)])
        return finding

    async def remember(
        self, track: TrackDomain, finding: Finding, https: HttpsSeen | None = None
    ) -> TrackCheck:
        """The track domain after a look; a name server that cannot be asked leaves tracking as it was."""
        if finding.status is RecordStatus.UNKNOWN:
            unanswered = await self._modify(track, lambda one: replace(one, dns_unanswered=True))
            return TrackCheck(unanswered, finding)
        now = int(self._clock.now())

        def checked(one: TrackDomain) -> TrackDomain:
            return replace(
                _with_https(one, https, now),
                dns_status=DnsStatus(finding.status.value),
                dns_error=finding.text,
                dns_checked_at=now,
                dns_found=finding.found,
                dns_unanswered=False,
            )

        return TrackCheck(await self._modify(track, checked), finding)

    async def _modify(
        self, track: TrackDomain, how: Callable[[TrackDomain], TrackDomain]
    ) -> TrackDomain:
        return await self._repository.modify(TRACK_DOMAINS, TRACK_DOMAINS.place(track), how)

    async def _verified(self, server: Server, domain: str) -> Domain:
        name = typed_name(domain)
        found = None if name is None else await verified_domain(self._repository, server, name)
        if found is None:
            detail = f"{name or domain.strip()} is no verified domain of this server"
            raise InvalidRequest(detail, (FieldError("/domain", "unknown_reference", detail),))
        return found


def checked_label(typed: str) -> str:
    """A label as DNS has it, from one as people type it; InvalidRequest for what is none."""
    label = typed_name(typed) or ""
    if not records.is_label(label):
        raise wrong_field("label", "The name has letters, digits and - only")
    return label


def read_hosts(lines: Sequence[str]) -> tuple[str, ...]:
    """Excluded hosts as stored, each once, in order. InvalidRequest for one that `read_host` does not know."""
    found: dict[str, None] = {}
    for line in filter(None, map(str.strip, lines)):
        host = read_host(line)
        if host is None:
            raise wrong_field(
                "excluded_click_domains",
                "An excluded host is a name such as example.com, example.com:8443 or *.example.com",
            )
        found[host] = None
    if len(found) > MOST_EXCLUDED:
        raise wrong_field(
            "excluded_click_domains", f"At most {MOST_EXCLUDED} hosts can be excluded"
        )
    return tuple(found)


def _with_https(track: TrackDomain, seen: HttpsSeen | None, now: int) -> TrackDomain:
    if seen is None:
        return track
    return replace(track, https_fault=seen.fault, https_checked_at=now, https_ends_at=seen.ends_at)


def _checked(options: TrackOptions) -> TrackOptions:
    return replace(options, excluded_click_domains=read_hosts(options.excluded_click_domains))
