"""Whether each pool has a source in use. Without one its mail waits, and its queue looks well all the while."""

from __future__ import annotations

from chalicelib.domain.outgoing.choose_source import choose_source
from chalicelib.domain.tenancy.check_findings import Found, judged
from chalicelib.domain.tenancy.owners import of_pool
from chalicelib.domain.tenancy.sources import SOURCES
from chalicelib.ports.clock import Clock
from chalicelib.ports.repository import Repository


class PoolsInUse:
    """Looks at what persons have suspended. A pool that has no source at all sends straight out."""

    def __init__(self, clock: Clock, repository: Repository) -> None:
        self._clock = clock
        self._repository = repository

    async def found(self) -> Found:
        """The check `pools`. Raises TemporaryFailure."""
        now, faults = self._clock.now(), []
        for pool in await self._repository.owners(SOURCES):
            sources = await self._repository.all(SOURCES, of_pool(pool), fresh=False)
            if sources and choose_source(sources, "", now) is None:
                resume = f"posthorn source resume {sources[0].name} --pool {pool}"
                faults.append(
                    f"Every source of the pool {pool} is suspended, and its mail waits: `{resume}`."
                )
        return judged("pools", faults)
