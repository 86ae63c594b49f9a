"""Which source is listed by which list, as Prometheus reads it. What is read is what the last look has kept."""

from __future__ import annotations

from collections.abc import Iterator

from chalicelib.config import Settings
from chalicelib.domain.prometheus import label, metric
from chalicelib.domain.tenancy.listings import listings_of
from chalicelib.domain.tenancy.owners import of_pool
from chalicelib.domain.tenancy.sources import SOURCES
from chalicelib.ports.repository import Repository

MOST_SAMPLES = 2_000


class ListedMetrics:
    """One sample for each source and list; of more than MOST_SAMPLES those of sources that are listed come first."""

    def __init__(self, settings: Settings, repository: Repository) -> None:
        self._lists = [one.name for one in settings.own_block_lists if not one.of_names]
        self._repository = repository

    async def read(self) -> Iterator[str]:
        """The lines of the metric; none where no list is asked. Raises TemporaryFailure."""
        samples: dict[str, float] = {}
        for pool in await self._repository.owners(SOURCES) if self._lists else ():
            for source in await self._repository.all(SOURCES, of_pool(pool), fresh=False):
                listed = {one.list for one in listings_of(source)}
                for name in self._lists:
                    labels = f'pool="{pool}",source="{source.name}",{label("list", name)}'
                    samples[labels] = float(name in listed)
        first = sorted(samples.items(), key=lambda one: -one[1])[:MOST_SAMPLES]
        return metric("source_listed", "gauge", "1 while a list has an address of it.", dict(first))
