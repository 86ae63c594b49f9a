"""The installation looks at itself: every minute at stores and queues, every hour at its names in the DNS and at
what keeps the past.

What it finds is stored, so that whoever asks for it asks nothing else. A finding is written when it differs from the
one before, and those of the DNS each hour.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

from chalicelib.config import Settings
from chalicelib.domain.durations import DAY
from chalicelib.domain.errors import NotFound, TemporaryFailure
from chalicelib.domain.tenancy.change import Change, Verb
from chalicelib.domain.tenancy.check_findings import (
    CHECK_FINDINGS,
    CheckFinding,
    CheckStatus,
    Found,
    judged,
)
from chalicelib.domain.tenancy.owners import THE_CHECKS
from chalicelib.ports.backends import Backends
from chalicelib.ports.clock import Clock
from chalicelib.ports.jobs import Jobs
from chalicelib.ports.repository import Repository
from chalicelib.ports.resolver import Resolver
from chalicelib.ports.scanners import Scanners
from chalicelib.services.endangered_tracking import EndangeredTracking
from chalicelib.services.health import Health
from chalicelib.services.held_servers import HeldServers
from chalicelib.services.pools.look_at_sources import OF_SOURCES, LookAtSources
from chalicelib.services.pools.pools_in_use import PoolsInUse

QUEUES = "queues"
DNS = "dns"
RATES = "rates"
OF_SCANNERS = "scanner:"
LONG_WAIT, LONGEST_WAIT = 900, 3_600  # seconds
LONGEST_LAG = 300  # seconds
LONGEST_JOB = DAY
TOLERATED_SECONDS = 5  # between two clocks
NAMES_SECONDS = 3_600
LOOKED_AT_SECONDS = 1_800  # a source, since when it is not looked at again
# Names of ours that lead to an address.
HOSTS = ("web_hostname", "smtp_hostname", "track_domain")
EXAMPLES = Settings()


class FurtherChecks:
    """Checks that only some installations make; others make none."""

    async def found(self) -> Sequence[Found]:
        """What those of every minute found."""
        return ()

    async def found_by_the_hour(self) -> Sequence[Found]:
        """What those of every hour found."""
        return ()

    def gone(self) -> Sequence[str]:
        """Those that the settings do not ask for, or not any more."""
        return ()


def _clock(ahead: float) -> Found:
    way = "ahead of" if ahead > 0 else "behind"
    told = f"This clock is {abs(ahead):.0f} seconds {way} that of the queues."
    return judged("clock", [told] if abs(ahead) > TOLERATED_SECONDS else [])


class CheckInstallation:
    """Looks, and keeps what was found."""

    def __init__(  # noqa: PLR0913  # all that it looks at
        self,
        *,
        settings: Settings,
        clock: Clock,
        backends: Backends,
        health: Health,
        repository: Repository,
        resolver: Resolver,
        scanners: Scanners,
        jobs: Jobs,
        sources: LookAtSources,
        pools: PoolsInUse,
        further: FurtherChecks,
        tracking: EndangeredTracking,
        held: HeldServers,
    ) -> None:
        self._jobs = jobs
        self._settings = settings
        self._clock = clock
        self._backends = backends
        self._health = health
        self._repository = repository
        self._resolver = resolver
        self._scanners = scanners
        self._sources = sources
        self._pools = pools
        self._further = further
        self._tracking = tracking
        self._held = held

    async def findings(self) -> list[CheckFinding]:
        """What was found last, what is worst first."""
        found = await self._repository.all(CHECK_FINDINGS, THE_CHECKS)
        worst = list(CheckStatus)[::-1]
        return sorted(found, key=lambda one: (worst.index(one.status), one.name))

    async def run(self) -> int:
        """Look at what is due to be looked at; how many checks do not end well. Raises TemporaryFailure when what was
        found cannot be kept."""
        known = {one.name: one for one in await self._repository.all(CHECK_FINDINGS, THE_CHECKS)}
        failing, gone = 0, {name for name in known if name.startswith(OF_SCANNERS)}
        gone |= known.keys() & self._further.gone()
        async for found in self._all(known):
            await self._keep(known.get(found.name), found)
            failing += found.status is not CheckStatus.OK
            gone.discard(found.name)
        for name in gone:  # what the settings do not name any more
            await self._repository.remove(CHECK_FINDINGS, known[name])
        return failing

    async def _all(self, known: dict[str, CheckFinding]) -> AsyncIterator[Found]:
        away = await self._health.failing()
        parts = [part for part in away if part != QUEUES]
        yield judged("storage", [f"{part} does not answer." for part in parts])
        if QUEUES in away:
            yield Found(QUEUES, CheckStatus.FAILING, "The queues do not answer.")
        else:
            yield await self._queues()
            yield await self._dead_letters()
            ahead = self._backends.clock_ahead()
            if ahead is not None:
                yield _clock(ahead)
        lag = await self._backends.outbox_lag()
        if lag is not None:
            told = f"Events are told more than {LONGEST_LAG // 60} minutes late."
            late = [told] if lag > LONGEST_LAG else []
            yield judged("outbox", late, CheckStatus.WARNING)
        yield await self._pools.found()
        for one in await self._of_scanners():
            yield one
        yield await self._oldest_job()
        yield judged("postmaster", self._postmaster(), CheckStatus.WARNING)
        for one in await self._further.found():
            yield one
        if self._is_due(known.get(DNS), NAMES_SECONDS):
            async for found in self._each_hour(known):
                yield found

    def _is_due(self, last: CheckFinding | None, seconds: float) -> bool:
        """Whether that is so long ago, or the clock was set back since."""
        return last is None or not 0 <= self._clock.now() - last.found_at < seconds

    async def _each_hour(self, known: dict[str, CheckFinding]) -> AsyncIterator[Found]:
        async for found in self._of_the_past():
            yield found
        async for found in self._names(known):
            yield found

    async def _of_the_past(self) -> AsyncIterator[Found]:
        """Whether tables could be brought back, where no copies are made; nothing when that cannot be asked now."""
        try:
            tables = await self._backends.without_past()
        except TemporaryFailure:
            return
        if tables is not None:
            yield judged("backups", [f"Point-in-time recovery of {one} is off." for one in tables])

    def _postmaster(self) -> list[str]:
        """Why mail to those who answer for the installation is refused, which RFC 5321 section 4.5.1 forbids."""
        settings = self._settings
        if settings.postmaster and settings.system_server:
            return []
        missing = "POSTHORN_SYSTEM_SERVER" if settings.postmaster else "POSTHORN_POSTMASTER"
        return [f"{missing} is not set, and mail to the postmaster is refused."]

    async def _queues(self) -> Found:
        waits = {one.pool: one.oldest_seconds or 0 for one in await self._backends.queues()}
        faults = [
            f"The oldest wake-up of {pool} has been due for more than {LONG_WAIT // 60} minutes."
            for pool, seconds in waits.items()
            if seconds > LONG_WAIT
        ]
        worst = max(waits.values(), default=0)
        status = CheckStatus.FAILING if worst > LONGEST_WAIT else CheckStatus.WARNING
        return judged(QUEUES, faults, status)

    async def _oldest_job(self) -> Found:
        """A job that is not over after LONGEST_JOB: nobody works on jobs, or this one goes on for ever."""
        faults = [
            f"The job {job.id} of {job.tenant} has been open for more than a day."
            for _, job in await self._jobs.open(1)
            if self._clock.now() - job.created_at > LONGEST_JOB
        ]
        return judged("jobs", faults, CheckStatus.WARNING)

    async def _dead_letters(self) -> Found:
        count = await self._backends.dead_letters()
        faults = [f"{count} wake-ups failed too often."] if count else []
        return judged("dead_letters", faults, CheckStatus.WARNING)

    async def _of_scanners(self) -> list[Found]:
        """Whether each scans, where this process reaches them: on AWS the functions that scan do, and nothing else."""
        if await self._backends.counted() is None:
            return []
        return [await self._scanner(name) for name in self._scanners.names]

    async def _scanner(self, name: str) -> Found:
        faults = []
        try:
            await self._scanners.probe(name)
        except TemporaryFailure as trouble:
            faults.append(trouble.public)
        return judged(f"{OF_SCANNERS}{name}", faults, CheckStatus.WARNING)

    async def _names(self, known: dict[str, CheckFinding]) -> AsyncIterator[Found]:
        """Our own names, those of the sources, and https at both ours and those of customers; nothing of what cannot be
        asked now, which is asked again soon."""
        with suppress(TemporaryFailure):
            yield judged(DNS, [fault async for fault in self._own_names()])
            # Behind it, so that it is looked at by the hour also while no name server answers.
            yield judged("track_certificates", await self._tracking.faults(), CheckStatus.WARNING)
            for one in (*await self._rates(known), *await self._further.found_by_the_hour()):
                yield one
        gone = {name for name in known if name.startswith(OF_SOURCES)}
        due = partial(self._is_source_due, known)
        async for name, found in self._sources.look(due):
            gone.discard(name)
            if found is not None:
                yield found
        for name in gone:
            await self._repository.remove(CHECK_FINDINGS, known[name])

    async def _rates(self, known: dict[str, CheckFinding]) -> list[Found]:
        """Whose new mail is held; nothing where none ever was."""
        held = await self._held.told()
        return [judged(RATES, held, CheckStatus.WARNING)] if held or RATES in known else []

    def _is_source_due(self, known: dict[str, CheckFinding], name: str) -> bool:
        return self._is_due(known.get(name), LOOKED_AT_SECONDS)

    async def _own_names(self) -> AsyncIterator[str]:
        settings = self._settings
        for field in (*HOSTS, "return_path_domain", "spf_include"):
            if getattr(settings, field) == getattr(EXAMPLES, field):
                yield f"{field} is an example."
        for name in dict.fromkeys(str(getattr(settings, field)) for field in HOSTS):
            if not await self._resolver.addresses(name):
                yield f"{name} has no address."
        try:
            has_mx = bool(await self._resolver.mx(settings.return_path_domain))
        except NotFound:
            has_mx = False
        if not has_mx:
            yield f"{settings.return_path_domain} has no MX, and bounces do not come back."
        texts = await self._resolver.txt(settings.spf_include)
        if not any(text.lower().startswith("v=spf1") for text in texts):
            yield f"{settings.spf_include} has no SPF record."

    async def _keep(self, before: CheckFinding | None, found: Found) -> None:
        now = self._clock.now()
        after = CheckFinding(found.name, found.status, found.detail, now, now)
        if before is None:
            await self._repository.change(Change(Verb.ADD, CHECK_FINDINGS, after))
            return
        if before.status is found.status:
            after = replace(after, since=before.since)
        is_of_names = found.name == DNS or found.name.startswith(OF_SOURCES)
        if is_of_names or (before.status, before.detail) != (found.status, found.detail):
            await self._repository.replace(CHECK_FINDINGS, after)
