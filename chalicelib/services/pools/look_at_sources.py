"""The hourly look at the sources: what receivers find under the addresses that mail leaves from.

What is found is kept with the source, where delivery reads it anyway, and is written only when it changes. Trouble of
one source, or of its name servers, leaves the others alone; what DNS does not tell now stays as it was.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace

from chalicelib.config import Settings
from chalicelib.domain.errors import NotFound
from chalicelib.domain.outgoing.reverse_names import Verdict, unused
from chalicelib.domain.tenancy.check_findings import CheckStatus, Found, judged
from chalicelib.domain.tenancy.owners import of_pool
from chalicelib.domain.tenancy.sources import SOURCES, EgressKind, EgressSource
from chalicelib.ports.acting import acting
from chalicelib.ports.clock import Clock
from chalicelib.ports.repository import Repository
from chalicelib.services.gather import gather
from chalicelib.services.pools.ehlo_names import EhloNames
from chalicelib.services.pools.permitted import OwnSpf
from chalicelib.services.pools.reverse_names import Known, ReverseNames

OF_SOURCES = "source:"
"""What the names of these checks begin with; pool and name follow."""


class OutwardAddresses:
    """The addresses from which connections leave that are bound to none; elsewhere than on one host nobody can tell."""

    def found(self) -> tuple[str, ...]:
        """One of each family that has a way out."""
        return ()


class LookAtSources:
    """Looks, and keeps what it finds with the sources."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        repository: Repository,
        names: ReverseNames,
        spf: OwnSpf,
        ehlo: EhloNames,
        outward: OutwardAddresses,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._repository = repository
        self._names = names
        self._spf = spf
        self._ehlo = ehlo
        self._outward = outward

    async def look(self, is_due: Callable[[str], bool]) -> AsyncIterator[tuple[str, Found | None]]:
        """The name of the check of each source that has an address, and how it ended: None when that is not due, or DNS
        tells nothing now. Raises TemporaryFailure when what was found cannot be kept."""
        pools = await self._repository.owners(SOURCES)
        sources = [
            source
            for pool in pools
            for source in await self._repository.all(SOURCES, of_pool(pool))
        ]
        # At the same time, so that slow name servers cost their patience once.
        for one in await gather(self._checked(source, is_due) for source in sources):
            if one is not None:
                yield one

    async def _checked(
        self, source: EgressSource, is_due: Callable[[str], bool]
    ) -> tuple[str, Found | None] | None:
        """The same of one source; None where it has no address."""
        name = f"{OF_SOURCES}{source.pool}/{source.name}"
        addresses = self._addresses(source)
        if not addresses:
            await self._keep(source, {})
            return None
        return name, await self._look_at(name, source, addresses) if is_due(name) else None

    async def _look_at(
        self, name: str, source: EgressSource, addresses: tuple[str, ...]
    ) -> Found | None:
        known = await self._names.of(addresses)
        if all(verdict is Verdict.UNTOLD for verdict, _ in known.values()):
            return None
        after = await self._keep(source, known)
        faults = [*_faults(known, after), *await self._spf.faults(addresses)]
        of_ehlo = await self._ehlo.faults(source, addresses)
        if of_ehlo is None and not faults:
            return None
        return judged(name, faults + (of_ehlo or []), _status(known, after))

    def _addresses(self, source: EgressSource) -> tuple[str, ...]:
        """One of each family at most: its own, or what the system chooses for it."""
        if source.kind is EgressKind.SMARTHOST:
            return ()
        own = tuple(filter(None, (source.address, source.address6)))
        return own or (self._outward.found() if source.kind is EgressKind.DIRECT else ())

    async def _keep(self, source: EgressSource, known: Known) -> EgressSource:
        """The source with what is known now, which is stored when it is another than before."""
        before = {4: source.unused4, 6: source.unused6}
        after = unused(before, known) if self._settings.needs_reverse_names else {4: "", 6: ""}
        if after == before:
            return source
        now = int(self._clock.now())

        def noted(one: EgressSource) -> EgressSource:
            if not one.leaves_as(source):
                return one  # it was changed meanwhile, and is looked at anew in an hour
            return replace(one, unused4=after[4], unused6=after[6], looked_at=now)

        try:
            with acting(None):  # it was found, and nobody has decided it
                return await self._repository.modify(SOURCES, SOURCES.place(source), noted)
        except NotFound:  # removed meanwhile
            return source


def _faults(known: Known, source: EgressSource) -> list[str]:
    """What is wrong, and what follows from it."""
    unused_by = {4: source.unused4, 6: source.unused6}
    faults = []
    for family, (_, wrong) in sorted(known.items()):
        reason = unused_by[family]
        if reason:
            faults.append(f"{reason} Mail does not leave by IPv{family}.")
        elif wrong:
            faults.append(wrong)
    return faults


def _status(known: Known, source: EgressSource) -> CheckStatus:
    """Receivers that have IPv4 alone wait when that is not used; nobody waits for IPv6. Where each family that is seen
    is bad, mail goes on, and receivers turn it away."""
    seen = [verdict for verdict, _ in known.values() if verdict is not Verdict.UNSEEN]
    all_bad = len(seen) == len(known) and all(one is Verdict.BAD for one in seen)
    return CheckStatus.FAILING if source.unused4 or all_bad else CheckStatus.WARNING
