"""The numbers of the whole installation as Prometheus reads them: the one list of their names.

Messages are what the statistics have counted, some seconds late: on one host since the beginning, elsewhere since the
day (UTC) began, so that the counters begin again at midnight. What nobody knows is left out.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator

from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.prometheus import Samples, metric, rendered
from chalicelib.domain.statistics import WITHIN, Count, Counts
from chalicelib.domain.webhook_counts import WebhookCount
from chalicelib.ports.backends import Backends
from chalicelib.ports.clock import Clock
from chalicelib.ports.jobs import Jobs
from chalicelib.ports.scanners import Scanners
from chalicelib.services.events.check_metrics import CheckMetrics
from chalicelib.services.events.counted_today import CountedToday
from chalicelib.services.events.listed_metrics import ListedMetrics

SCAN_SECONDS = 5.0
MOST_JOBS = 1_000
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
        today: CountedToday,
        further: FurtherMetrics,
        scanners: Scanners,
        jobs: Jobs,
        listed: ListedMetrics,
        checks: CheckMetrics,
    ) -> None:
        self._clock = clock
        self._jobs = jobs
        self._listed = listed
        self._checks = checks
        self._backends = backends
        self._today = today
        self._further = further
        self._scanners = scanners

    async def text(self) -> str:
        """Prometheus' text format. Raises TemporaryFailure."""
        counted, posted = await self._backends.counted(), await self._backends.posted()
        if counted is None or posted is None:
            counted, posted = await self._today.read()
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
        attempts = {f'result="{count}"': float(posted.get(count, 0)) for count in WebhookCount}
        waiting = {f'pool="{one.pool}"': float(one.messages) for one in queues}
        parts = (
            metric("messages_total", "counter", "By direction and status.", messages),
            _deliveries(counted),
            metric("webhook_attempts_total", "counter", "By how they ended.", attempts),
            metric("queue_messages", "gauge", "Wake-ups, those for later included.", waiting),
            metric("queue_oldest_seconds", "gauge", "How long the oldest is due.", oldest),
            *await self._of_jobs(),
            await self._listed.read(),
            await self._checks.read(),
            metric("outbox_lag_seconds", "gauge", "How old what is not told yet is.", _alone(lag)),
            metric("scan_seconds", "gauge", "How long a scan of a few lines takes.", scans),
            metric(
                "dead_letters",
                "gauge",
                "Wake-ups that failed too often.",
                _alone(await self._backends.dead_letters()),
            ),
        )
        lines = [line for part in parts for line in part]
        return "".join(lines) + self._further.text()

    async def _of_jobs(self) -> tuple[Iterator[str], ...]:
        """Those of all tenants."""
        jobs = [job for _, job in await self._jobs.open(MOST_JOBS)]
        age = self._clock.now() - jobs[0].created_at if jobs else 0
        told = "How long ago the oldest of them was asked for."
        return (
            metric("jobs_open", "gauge", "Jobs that are not over.", _alone(len(jobs))),
            metric("jobs_oldest_seconds", "gauge", told, _alone(age)),
        )

    async def _scan(self, name: str) -> tuple[str, float]:
        """The label of a scanner, and its seconds; infinite where it does not answer in time."""
        began = self._clock.monotonic()
        try:
            async with asyncio.timeout(SCAN_SECONDS):
                await self._scanners.probe(name)
        except (TemporaryFailure, TimeoutError):
            return f'scanner="{name}"', math.inf
        return f'scanner="{name}"', self._clock.monotonic() - began


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
