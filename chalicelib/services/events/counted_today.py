"""What was counted since the day (UTC) began, summed over all servers: where counters are kept by server alone."""

from __future__ import annotations

from chalicelib.domain.durations import DAY
from chalicelib.domain.groups import Dimension
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.periods import Period, start_of
from chalicelib.domain.statistics import Counts, totals
from chalicelib.domain.tenancy.organizations import ORGANIZATIONS
from chalicelib.domain.tenancy.owners import ALL_ORGANIZATIONS, of_organization, of_server
from chalicelib.domain.tenancy.servers import SERVERS
from chalicelib.domain.tenancy.webhooks import WEBHOOKS
from chalicelib.ports.clock import Clock
from chalicelib.ports.group_counts import GroupCounts, Span
from chalicelib.ports.repository import Repository
from chalicelib.ports.statistics import Statistics
from chalicelib.services.gather import gather

AT_A_TIME = 20  # servers


class CountedToday:
    """Reads the counters of every server."""

    def __init__(
        self, clock: Clock, repository: Repository, statistics: Statistics, groups: GroupCounts
    ) -> None:
        self._clock = clock
        self._repository = repository
        self._statistics = statistics
        self._groups = groups

    async def read(self) -> tuple[Counts, Counts]:
        """Of messages, and of attempts at the webhooks of servers that have some. Raises TemporaryFailure."""
        start, servers = start_of(Period.DAY, self._clock.now()), await self._servers()
        mail: list[Counts] = []
        posted: list[Counts] = []
        for at in range(0, len(servers), AT_A_TIME):
            some = servers[at : at + AT_A_TIME]
            mail += await gather(self._mail(server, start) for server in some)
            posted += await gather(self._posted(server, start) for server in some)
        return totals(mail), totals(posted)

    async def _servers(self) -> list[ServerId]:
        return [
            server.id
            for owner in await self._repository.all(ORGANIZATIONS, ALL_ORGANIZATIONS, fresh=False)
            for server in await self._repository.all(
                SERVERS, of_organization(owner.id), fresh=False
            )
        ]

    async def _mail(self, server: ServerId, start: int) -> Counts:
        slots = await self._statistics.read(server, Period.DAY, start, start)
        return totals(counts for _, counts in slots)

    async def _posted(self, server: ServerId, start: int) -> Counts:
        if not await self._repository.all(WEBHOOKS, of_server(server), fresh=False):
            return {}
        span = Span(Period.DAY, start, start, DAY)
        found = await self._groups.read(server, Dimension.WEBHOOK, span)
        return totals(counts for parts in found.values() for counts in parts.values())
