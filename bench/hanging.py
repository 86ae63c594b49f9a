"""Another tenant's events behind a burst of one whose 50 webhooks hang, on files and on the AWS emulator.

10,000 events (BENCH_HANGING; BENCH_HANGING_AWS on the emulator) happen at once, which are 500,000 deliveries. One of
another tenant happens with the first of them and stands behind the last; then one after the other, as soon as the one
before has arrived, until all deliveries are stored and for a while after. One process does everything: it publishes
batches as the outbox does, works on jobs and posts.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass, field, replace
from io import StringIO

from bench.emulator import emulator
from bench.smtp_peers import Absent
from bench.table import Row, bounded, print_table
from bench.web_receivers import Receivers, receivers
from bench.webhooks import CONTRACT_SECONDS, HANGING_WEBHOOKS
from chalicelib.adapters.aws.meter import Meter
from chalicelib.bootstrap import Posthorn, on_aws
from chalicelib.config import Settings
from chalicelib.domain.changes import Happened
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.occurrence import EventType, Occurrence
from chalicelib.domain.tenancy.servers import Server
from chalicelib.ports.jobs import Jobs
from chalicelib.services.events.publish_events import PublishEvents
from chalicelib.services.jobs.run import RunJobs
from chalicelib.services.tenancy.installation import Installation
from chalicelib.services.tenancy.organizations import Organizations
from chalicelib.services.tenancy.servers import Servers
from chalicelib.services.webhooks.places import MOST_OF_A_SERVER
from functions.outbox import MOST_RECORDS
from tests.resident_memory import peak_mib
from tests.webhook_events import a_webhook
from tests.webhook_workers import working

EVENTS, EVENTS_ON_AWS = 10_000, 500
AFTER = 40
LOOK_EACH = 0.1


@dataclass
class Play:
    """The program on one family, and what was measured."""

    program: Posthorn
    family: str
    ports: Receivers
    events: int
    told: int = 0
    taken: list[float] = field(default_factory=list)

    async def server(self, name: str) -> Server:
        organization = await self.program[Organizations].create(name)
        return await self.program[Servers].create(organization, "App")

    async def publish(self, server: ServerId, count: int) -> None:
        """Events, as the outbox has them: told in batches."""
        for start in range(0, count, MOST_RECORDS):
            numbers = range(start, min(count, start + MOST_RECORDS))
            changes = [self._happened(server) for _ in numbers]
            await self.program[PublishEvents].take("bench", changes)

    def _happened(self, server: ServerId) -> Happened:
        self.told += 1
        detail = f'{{"address":"u{self.told}@example.com"}}'
        kind, at = EventType.SUPPRESSION_ADDED, time.time()
        told = Occurrence(kind, server, at, str(self.told), None, detail)
        return Happened(f"{self.told:012d}", server, told)

    async def arrives(self, server: ServerId, begun: float) -> None:
        """One event, until a receiver that answers at once has had it."""
        before = await self._answered()
        await self.publish(server, 1)
        while await self._answered() == before:
            await asyncio.sleep(LOOK_EACH)
        self.taken.append(time.perf_counter() - begun)

    async def _answered(self) -> int:
        looked = await asyncio.to_thread(self.ports.look)
        return int(looked["answered"])

    async def run(self) -> float:
        """Seconds until all deliveries were stored."""
        await self.program[Installation].ensure()
        many, other = await self.server("Many"), await self.server("Other")
        for number in range(HANGING_WEBHOOKS):
            url = f"http://127.0.0.1:{self.ports.hanging}/{number}"
            await a_webhook(self.program, many, url)
        await a_webhook(self.program, other, f"http://127.0.0.1:{self.ports.fast}/")
        async with working(self.program, self.family):
            jobs = asyncio.create_task(self._jobs())
            begun = time.perf_counter()
            await self.publish(many.id, self.events)
            await self.arrives(other.id, begun)
            while await self.program[Jobs].open(1):
                await self.arrives(other.id, time.perf_counter())
            seconds = time.perf_counter() - begun
            for _ in range(AFTER):
                await self.arrives(other.id, time.perf_counter())
            jobs.cancel()
            with suppress(asyncio.CancelledError):
                await jobs
        return seconds

    async def _jobs(self) -> None:
        while True:
            await self.program[RunJobs].run(10)
            await asyncio.sleep(0.1)


def run() -> list[Row]:
    """The rows of both families; none of AWS without its emulator."""
    logging.disable(logging.CRITICAL)
    try:
        with tempfile.TemporaryDirectory(prefix="posthorn-hanging-") as folder:
            state = Settings(state_folder=f"{folder}/state", allow_private_destinations=True)
            events = int(os.environ.get("BENCH_HANGING", EVENTS))
            rows = _measured(Posthorn(state, "sqlite"), "sqlite", events)
        with _emulated() as settings:
            if settings is not None:
                events = int(os.environ.get("BENCH_HANGING_AWS", EVENTS_ON_AWS))
                given = replace(settings, allow_private_destinations=True)
                rows += _measured(on_aws(given), "aws", events)
        return rows
    finally:
        logging.disable(logging.NOTSET)


@contextmanager
def _emulated() -> Iterator[Settings | None]:
    try:
        with emulator() as settings:
            yield settings
    except Absent as absent:
        print(f"hanging: not measured on AWS: {absent}", file=sys.stderr)
        yield None


def _measured(program: Posthorn, family: str, events: int) -> list[Row]:
    before = peak_mib()
    with receivers() as ports, redirect_stdout(StringIO()):
        play = Play(program, family, ports, events)
        seconds = asyncio.run(play.run())
        sockets = ports.look()["most"]
    deliveries = events * HANGING_WEBHOOKS
    where = "files" if family == "sqlite" else "AWS"
    first, *others = play.taken
    most = MOST_OF_A_SERVER if family == "sqlite" else HANGING_WEBHOOKS
    rows = [
        bounded(f"{where}: one behind {events:,} that hang", first, "s", CONTRACT_SECONDS),
        bounded(
            f"{where}: the slowest of {len(others)} after it", max(others), "s", CONTRACT_SECONDS
        ),
        bounded(f"{where}: requests that hang at a time", sockets, "", most),
        Row(f"{where}: {deliveries:,} deliveries stored", deliveries / seconds, "1/s"),
        Row(f"{where}: memory", peak_mib() - before, "MiB"),
    ]
    if family == "aws":
        calls = program[Meter].snapshot().total_calls
        rows.append(Row(f"{where}: calls", calls / deliveries, "/delivery"))
    return rows


if __name__ == "__main__":
    print_table(run())
