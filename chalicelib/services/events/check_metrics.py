"""How each check of the installation ended last, as Prometheus reads it. Nothing is looked at here."""

from __future__ import annotations

from collections.abc import Iterator

from chalicelib.domain.prometheus import label, metric
from chalicelib.domain.tenancy.check_findings import CHECK_FINDINGS, CheckStatus
from chalicelib.domain.tenancy.owners import THE_CHECKS
from chalicelib.ports.repository import Repository

MOST_SAMPLES = 2_000
_VALUES = {status: float(at) for at, status in enumerate(CheckStatus)}


class CheckMetrics:
    """One sample for each check; of more than MOST_SAMPLES the worst."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository

    async def read(self) -> Iterator[str]:
        """The lines of the metric; none before the first look. Raises TemporaryFailure."""
        found = await self._repository.all(CHECK_FINDINGS, THE_CHECKS, fresh=False)
        samples = {label("check", one.name): _VALUES[one.status] for one in found}
        worst = sorted(samples.items(), key=lambda one: -one[1])[:MOST_SAMPLES]
        told = "How it ended last: 0 well, 1 with a warning, 2 failing."
        return metric("check_status", "gauge", told, dict(worst))
