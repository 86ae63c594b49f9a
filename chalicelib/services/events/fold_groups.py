"""The hourly step that brings counters of groups into the form in which they are kept."""

from __future__ import annotations

from chalicelib.domain.tenancy.organizations import ORGANIZATIONS
from chalicelib.domain.tenancy.owners import ALL_ORGANIZATIONS, of_organization
from chalicelib.domain.tenancy.servers import SERVERS
from chalicelib.ports.clock import Clock
from chalicelib.ports.group_counts import GroupCounts
from chalicelib.ports.repository import Repository

RUN_SECONDS = 120.0


class FoldGroups:
    """Folds server by server."""

    def __init__(self, repository: Repository, groups: GroupCounts, clock: Clock) -> None:
        self._repository = repository
        self._groups = groups
        self._clock = clock

    async def run(self) -> int:
        """Fold what waits, for at most about RUN_SECONDS; how much was folded. The rest is for the next hour."""
        until, done = self._clock.monotonic() + RUN_SECONDS, 0
        for one in await self._repository.all(ORGANIZATIONS, ALL_ORGANIZATIONS):
            for server in await self._repository.all(SERVERS, of_organization(one.id)):
                while folded := await self._groups.fold(server.id):
                    done += folded
                    if self._clock.monotonic() > until:
                        return done
        return done
