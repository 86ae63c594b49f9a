"""Looking at DNS each hour without being asked: at every domain that was ever checked, and at every track domain, where
links with https are tried too.

What is due is found afresh in each run, what waits longest first, so that a run that ends early leaves the rest to the
next; two at the same time only look twice. A domain that cannot be checked keeps no other from its turn. What a check
changes stands in the audit log as the system's doing.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace

from chalicelib.domain.dns.checked import hour_is_over, is_due
from chalicelib.domain.errors import NotFound
from chalicelib.domain.tenancy.domain_states import DOMAIN_STATES
from chalicelib.domain.tenancy.domains import DOMAINS
from chalicelib.domain.tenancy.entity import Owner, Place
from chalicelib.domain.tenancy.organizations import ORGANIZATIONS
from chalicelib.domain.tenancy.owners import ALL_ORGANIZATIONS, of_organization, of_server
from chalicelib.domain.tenancy.servers import SERVERS
from chalicelib.domain.tenancy.track_domains import TRACK_DOMAINS
from chalicelib.ports.acting import SYSTEM, acting
from chalicelib.ports.clock import Clock
from chalicelib.ports.repository import Repository
from chalicelib.services.tell_domain_events import TellDomainEvents
from chalicelib.services.tenancy.domain_checks import DomainChecks
from chalicelib.services.tracking.domains import TrackDomains

LOG = logging.getLogger("posthorn.domains")
AT_ONCE = 16
ON_A_PAGE = 100
RUN_SECONDS = 420.0  # after which no further check begins; one takes 25 s at most


@dataclass(frozen=True, slots=True, order=True)
class _Due:
    """What is to be looked at: since when it waits, whose it is, and where it stands."""

    since: int
    tenant: str
    owner: tuple[str, str]
    name: str
    is_track: bool = False

    @property
    def place(self) -> Place:
        return Place(Owner(*self.owner), self.name)


class DnsMonitor:
    """The hourly checks."""

    def __init__(
        self,
        repository: Repository,
        checks: DomainChecks,
        events: TellDomainEvents,
        tracks: TrackDomains,
        clock: Clock,
    ) -> None:
        self._repository = repository
        self._checks = checks
        self._events = events
        self._tracks = tracks
        self._clock = clock

    async def run(self) -> int:
        """Check what is due; answers how many checks were made."""
        waiting = sorted([one async for one in self._due(int(self._clock.now()))], reverse=True)
        until = self._clock.monotonic() + RUN_SECONDS
        done = 0
        writing: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

        async def work() -> None:
            nonlocal done
            while waiting and self._clock.monotonic() < until:
                if await self._looked_at(waiting.pop(), writing):
                    done += 1

        async with asyncio.TaskGroup() as group:
            for _ in range(min(AT_ONCE, len(waiting))):
                group.create_task(work())
        if waiting:
            LOG.warning("checks left to the next hour", extra={"fields": {"left": len(waiting)}})
        return done

    async def _looked_at(self, due: _Due, writing: Mapping[str, asyncio.Lock]) -> bool:
        try:
            with acting(replace(SYSTEM, tenant=due.tenant, verb="check")):
                await self._look(due, writing[due.tenant.partition("/")[0]])
        except NotFound:  # removed meanwhile
            return False
        except Exception:  # whatever it is: the others have their turn, this one in the next hour
            LOG.exception("a domain was not checked")
            return False
        return True

    async def _look(self, due: _Due, writing: asyncio.Lock) -> None:
        """Looks go on at the same time. What they change is stored one after the other in each organization, whose
        audit log has one end."""
        if due.is_track:
            track = await self._repository.get(TRACK_DOMAINS, due.place)
            finding = await self._tracks.look(track)
            is_due = self._tracks.is_https_due(track)
            https = await self._tracks.https(track, finding) if is_due else None
            async with writing:
                await self._tracks.remember(track, finding, https)
        else:
            domain = await self._repository.get(DOMAINS, due.place)
            check = await self._checks.look(domain, hourly=True)
            async with writing:
                checked = await self._checks.remember(domain, check)
            await self._events.tell(checked)

    async def _due(self, now: int) -> AsyncIterator[_Due]:
        for one in await self._repository.all(ORGANIZATIONS, ALL_ORGANIZATIONS):
            owner = of_organization(one.id)
            async for due in self._due_domains(owner, one.permalink, now):
                yield due
            for server in await self._repository.all(SERVERS, owner):
                async for due in self._due_domains(of_server(server.id), server.full_name, now):
                    yield due
                async for due in self._due_tracks(of_server(server.id), server.full_name, now):
                    yield due

    async def _due_domains(self, owner: Owner, tenant: str, now: int) -> AsyncIterator[_Due]:
        cursor: str | None = None
        while True:  # page by page: states may be large
            page = await self._repository.page(DOMAIN_STATES, owner, ON_A_PAGE, cursor)
            for state in page.values:
                if is_due(state, now):
                    yield _Due(state.hour_began_at or 0, tenant, (owner.code, owner.id), state.name)
            cursor = page.next_cursor
            if cursor is None:
                return

    async def _due_tracks(self, owner: Owner, tenant: str, now: int) -> AsyncIterator[_Due]:
        for track in await self._repository.all(TRACK_DOMAINS, owner):
            since = track.dns_checked_at or 0
            if hour_is_over(since, now):
                name = TRACK_DOMAINS.place(track).name
                yield _Due(since, tenant, (owner.code, owner.id), name, is_track=True)
