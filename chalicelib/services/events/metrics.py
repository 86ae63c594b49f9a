"""The numbers of the whole installation as Prometheus reads them: the one list of their names.

Messages are what the statistics have counted, some seconds late: on one host since the beginning, elsewhere since the
day (UTC) began, so that the counters begin again at midnight. What nobody knows is left out.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator

from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.periods import Period, start_of
from chalicelib.domain.prometheus import Samples, metric, rendered
from chalicelib.domain.statistics import WITHIN, Count, Counts, totals
from chalicelib.domain.tenancy.organizations import ORGANIZATIONS
from chalicelib.domain.tenancy.owners import ALL_ORGANIZATIONS, of_organization
from chalicelib.domain.tenancy.servers import SERVERS
from chalicelib.ports.backends import Backends
from chalicelib.ports.clock import Clock
from chalicelib.ports.repository import Repository
from chalicelib.ports.scanners import Scanners
from chalicelib.ports.statistics import Statistics
from chalicelib.services.gather import gather

SCAN_SECONDS = 5.0
AT_A_TIME = 20  # servers
# What is counted of messages, and under which direction and status it is told; an accepted one is Pending.
_MESSAGES = {
    Count.INCOMING: ("incoming", "Pending"),
    Count.OUTGOING: ("outgoing", "Pending"),
    Count.SENT: ("outgoing", "Sent"),
    Count.SOFT_FAILS: ("outgoing", "SoftFail"),
    Count.HARD_FAILS: ("outgoing", "HardFail"),
    Count.HELD: ("outgoing", "Held"),
    Count.BOUNCES: ("outgoing", "Bounced"),
}


class FurtherMetrics:
    """What only some installations know of themselves beside; others know nothing."""

    def text(self) -> str:
        """Prometheus' text format."""
        return ""


class Metrics:
    """Reads and renders them."""

    def __init__(
        self,
        clock: Clock,
        backends: Backends,
        repository: Repository,
        statistics: Statistics,
        further: FurtherMetrics,
        scanners: Scanners,
    ) -> None:
        self._clock = clock
        self._backends = backends
        self._repository = repository
        self._statistics = statistics
        self._further = further
        self._scanners = scanners

    async def text(self) -> str:
        """Prometheus' text format. Raises TemporaryFailure."""
        counted = await self._backends.counted()
        if counted is None:
            counted = await self._of_today()
            scans: Samples = {}  # the operator's network is not that of the function that is asked
        else:
            scans = dict(await asyncio.gather(*map(self._scan, self._scanners.names)))
        queues = await self._backends.queues()
        lag = await self._backends.outbox_lag()
        messages = {
            f'direction="{direction}",status="{status}"': float(counted.get(count, 0))
            for count, (direction, status) in _MESSAGES.items()
        }
        oldest = {
            f'pool="{one.pool}"': one.oldest_seconds
            for one in queues
            if one.oldest_seconds is not None
        }
        waiting = {f'pool="{one.pool}"': float(one.messages) for one in queues}
        parts = (
            metric("messages_total", "counter", "By direction and status.", messages),
            _deliveries(counted),
            metric("queue_messages", "gauge", "Wake-ups, those for later included.", waiting),
            metric("queue_oldest_seconds", "gauge", "How long the oldest is due.", oldest),
            metric("outbox_lag_seconds", "gauge", "How old what is not told yet is.", _alone(lag)),
            metric("scan_seconds", "gauge", "How long a scan of a few lines takes.", scans),
            metric(
                "dead_letters",
                "gauge",
                "Wake-ups that failed too often.",
                _alone(await self._backends.dead_letters()),
            ),
        )
        return "".join(line for part in parts for line in part) + self._further.text()

    async def _scan(self, name: str) -> tuple[str, float]:
        """The label of a scanner, and its seconds; infinite where it does not answer in time."""
        began = self._clock.monotonic()
        try:
            async with asyncio.timeout(SCAN_SECONDS):
                await self._scanners.probe(name)
        except (TemporaryFailure, TimeoutError):
            return f'scanner="{name}"', math.inf
        return f'scanner="{name}"', self._clock.monotonic() - began

    async def _of_today(self) -> Counts:
        """The sums of all servers."""
        start = start_of(Period.DAY, self._clock.now())
        owners = await self._repository.all(ORGANIZATIONS, ALL_ORGANIZATIONS, fresh=False)
        servers = [
            server.id
            for owner in owners
            for server in await self._repository.all(
                SERVERS, of_organization(owner.id), fresh=False
            )
        ]
        found: list[Counts] = []
        for at in range(0, len(servers), AT_A_TIME):
            read = await gather(
                self._statistics.read(server, Period.DAY, start, start)
                for server in servers[at : at + AT_A_TIME]
            )
            found += [counts for slots in read for _, counts in slots]
        return totals(found)


def _deliveries(counted: Counts) -> Iterator[str]:
    """How long deliveries took, as a histogram."""
    samples, number = {}, 0
    for count, seconds in WITHIN.items():
        number += counted.get(count, 0)
        samples[f'_bucket{{le="{seconds}"}}'] = float(number)
    number += counted.get(Count.LATER, 0)
    samples['_bucket{le="+Inf"}'] = samples["_count"] = float(number)
    samples["_sum"] = counted.get(Count.DELIVERY_MS, 0) / 1_000
    yield from rendered(
        "delivery_seconds", "histogram", "From accepting a message to its delivery.", samples
    )


def _alone(value: float | None) -> Samples:
    return {} if value is None else {"": value}
