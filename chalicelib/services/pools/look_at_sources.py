"""The hourly look at the sources: what receivers find under the addresses that mail leaves from.

What is found is kept with the source, where delivery reads it anyway, and is written only when it changes. Trouble of
one source, or of its name servers, leaves the others alone; what DNS does not tell now stays as it was.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace

from chalicelib.config import Settings
from chalicelib.domain.dns.records import is_domain_name
from chalicelib.domain.errors import NotFound, TemporaryFailure
from chalicelib.domain.outgoing.reverse_names import (
    Verdict,
    is_among,
    is_seen,
    unused,
    version_of,
)
from chalicelib.domain.tenancy.check_findings import CheckStatus, Found, judged
from chalicelib.domain.tenancy.owners import of_pool
from chalicelib.domain.tenancy.sources import SOURCES, EgressKind, EgressSource
from chalicelib.ports.clock import Clock
from chalicelib.ports.repository import Repository
from chalicelib.ports.resolver import Resolver

OF_SOURCES = "source:"
"""What the names of these checks begin with; pool and name follow."""
MOST_NAMES = 10  # of one address
NAMELESS = "a name that is none"
Known = Mapping[int, tuple[Verdict, str]]
"""What is known of the address of each family (4, 6), and what is wrong with it."""


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
        resolver: Resolver,
        outward: OutwardAddresses,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._repository = repository
        self._resolver = resolver
        self._outward = outward

    async def look(self, is_due: Callable[[str], bool]) -> AsyncIterator[tuple[str, Found | None]]:
        """The name of the check of each source that has an address, and how it ended: None when that is not due, or DNS
        tells nothing now. Raises TemporaryFailure when what was found cannot be kept."""
        for pool in await self._repository.owners(SOURCES):
            for source in await self._repository.all(SOURCES, of_pool(pool)):
                name = f"{OF_SOURCES}{pool}/{source.name}"
                addresses = self._addresses(source)
                if not addresses:
                    await self._keep(source, {})
                else:
                    yield (
                        name,
                        await self._look_at(name, source, addresses) if is_due(name) else None,
                    )

    async def _look_at(
        self, name: str, source: EgressSource, addresses: tuple[str, ...]
    ) -> Found | None:
        known = {version_of(one): await self._known(one) for one in addresses}
        if all(verdict is Verdict.UNTOLD for verdict, _ in known.values()):
            return None
        after = await self._keep(source, known)
        return judged(name, _faults(known, after), _status(known, after))

    def _addresses(self, source: EgressSource) -> tuple[str, ...]:
        """One of each family at most: its own, or what the system chooses for it."""
        if source.kind is EgressKind.SMARTHOST:
            return ()
        own = tuple(filter(None, (source.address, source.address6)))
        return own or (self._outward.found() if source.kind is EgressKind.DIRECT else ())

    async def _known(self, address: str) -> tuple[Verdict, str]:
        """Whether an address has a reverse name that leads back to it, and what is wrong otherwise."""
        if not is_seen(address):
            return Verdict.UNSEEN, ""
        try:
            names = await self._resolver.ptr(address, whole=True)
            if not names:
                return Verdict.BAD, f"{address} has no reverse name."
            if await self._lead_back(address, names[:MOST_NAMES]):
                return Verdict.GOOD, ""
        except TemporaryFailure:
            return Verdict.UNTOLD, ""
        shown = names[0] if is_domain_name(names[0]) else NAMELESS
        return Verdict.BAD, f"{shown}, the reverse name of {address}, does not lead back to it."

    async def _lead_back(self, address: str, names: tuple[str, ...]) -> bool:
        """Whether one of the names does. Raises TemporaryFailure when none does and DNS does not tell of each."""
        trouble = None
        for name in names:
            try:
                if is_among(address, await self._resolver.addresses(name)):
                    return True
                await self._resolver.addresses(name, whole=True)
            except TemporaryFailure as away:
                trouble = away
        if trouble is not None:
            raise trouble
        return False

    async def _keep(self, source: EgressSource, known: Known) -> EgressSource:
        """The source with what is known now, which is stored when it is another than before."""
        before = {4: source.unused4, 6: source.unused6}
        after = unused(before, known) if self._settings.needs_reverse_names else {4: "", 6: ""}
        if after == before:
            return source
        now = int(self._clock.now())

        def noted(one: EgressSource) -> EgressSource:
            if (one.address, one.address6) != (source.address, source.address6):
                return one  # it was changed meanwhile, and is looked at anew in an hour
            return replace(one, unused4=after[4], unused6=after[6], looked_at=now)

        try:
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
