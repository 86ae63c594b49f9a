"""A hundred thousand held messages released by a job on one host (BENCH_JOBS), while fresh mail goes on.

One process delivers to a receiver that takes everything at once, works on the job and accepts fresh mail, twenty
messages a second: the worst case, since on an installation these are several. What counts is how long fresh mail takes
to be sent while the job runs, against how long it takes without.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bench.disk import durable_disk
from bench.filled import _LOGGED, _log, _row
from bench.smtp_peers import Absent
from bench.store_work import message
from bench.table import Row, print_table
from bench.tenant import Tenant, make_tenant
from chalicelib.adapters.scripted.world import scripted_parts
from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.logs import LOG
from chalicelib.adapters.sqlite.mail_schema import MailDatabase
from chalicelib.adapters.sqlite.queue import SqliteWorkQueue
from chalicelib.bootstrap import Posthorn
from chalicelib.config import Settings
from chalicelib.domain.model import (
    Delivery,
    MessageRecord,
    Origin,
    State,
    Status,
)
from chalicelib.domain.numbering import MessageId, OrganizationId
from chalicelib.ports.blobs import BlobStore
from chalicelib.ports.jobs import Jobs
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.numbers import Numbers
from chalicelib.ports.resolver import Resolver
from chalicelib.services.jobs.keep import KeepJobs
from chalicelib.services.jobs.kinds import JobOwner
from chalicelib.services.jobs.run import RunJobs
from chalicelib.services.outgoing.accept import AcceptMail
from chalicelib.services.outgoing.pipeline import SendOutgoing
from chalicelib.services.outgoing.submission import Recipient, Submission
from chalicelib.services.queue.attempt import AttemptDelivery, ReceivedJob

MESSAGES = 100_000
TOGETHER = 20_000
FRESH_EACH = 0.05
QUIET_SECONDS = 15.0
DELIVERERS = 8
MOST_OF_FRESH = 3.0
CONTENT = b"From: sender@demo.test\r\nTo: a@example.com\r\nSubject: x\r\n\r\nHello.\r\n"


def run() -> list[Row]:
    """Fill and measure; no rows where there is no disk."""
    return measure(int(os.environ.get("BENCH_JOBS", MESSAGES)))


def measure(messages: int) -> list[Row]:
    """Rows of a job on so many."""
    with tempfile.TemporaryDirectory(prefix="posthorn-jobs-") as base:
        try:
            durable_disk(Path(base))
        except Absent as absent:
            print(f"jobs: not measured: {absent}", file=sys.stderr)
            return []
        parts = scripted_parts(live=True)
        parts[Resolver].zone["example.com"] = {"MX": [(10, "mx.example.com")]}
        parts[Resolver].zone["mx.example.com"] = {"A": ["93.184.216.34"]}
        settings = Settings(state_folder=str(Path(base) / "state"))
        return asyncio.run(_measured(Posthorn(settings, "sqlite", parts), messages))


@dataclass
class Traffic:
    """What goes on beside the job, until it is stopped."""

    program: Posthorn
    tenant: Tenant
    taken: list[float] = field(default_factory=list)
    takes_no_more: bool = False
    is_over: bool = False

    async def deliver(self) -> None:
        """Attempts for all that waits."""
        queue, attempts = self.program[SqliteWorkQueue], self.program[AttemptDelivery]
        outgoing = self.program[SendOutgoing]
        while not self.is_over:
            received = await queue.receive("default", 10)
            if not received:
                await asyncio.sleep(0.002)
                continue
            left = await attempts.run(
                outgoing, [ReceivedJob(one.job, one.receipt) for one in received]
            )
            await queue.delete([one.receipt for one in received if one.receipt not in left])

    async def fresh(self) -> None:
        """A message every so often, each of which is watched until it was sent."""
        async with asyncio.TaskGroup() as group:
            while not self.takes_no_more:
                group.create_task(self._one())
                await asyncio.sleep(FRESH_EACH)

    async def _one(self) -> None:
        begun = time.perf_counter()
        to = (Recipient("fresh@example.com"),)
        submission = Submission(self.tenant.principal, "sender@demo.test", to, CONTENT)
        (made,) = await self.program[AcceptMail].submit(submission)
        store = self.program[MessageStore]
        while (await store.get(made.server_id, made.id)).status is not Status.SENT:
            await asyncio.sleep(0.002)
        self.taken.append(time.perf_counter() - begun)


async def _measured(program: Posthorn, messages: int) -> list[Row]:
    tenant = await make_tenant(program)
    await _fill(program, tenant, messages)
    quiet = await _beside(program, tenant, _pause())
    begun = time.perf_counter()
    busy = await _beside(program, tenant, _job(program, tenant))
    seconds = time.perf_counter() - begun
    rows = [Row(f"job: {messages:,} messages released and sent", messages / seconds, "1/s")]
    for name, place in (("median", 50), ("95 %", 95)):
        without, beside = _percentile(quiet, place), _percentile(busy, place)
        ratio = beside / without
        rows.append(Row(f"fresh mail, {name}, without the job", without * 1e3, "ms"))
        rows.append(
            Row(
                f"fresh mail, {name}, while it runs",
                beside * 1e3,
                "ms",
                ratio,
                f"<= {MOST_OF_FRESH:g}x",
                ratio <= MOST_OF_FRESH,
            )
        )
    return rows


async def _beside(
    program: Posthorn, tenant: Tenant, work: Coroutine[Any, Any, None]
) -> list[float]:
    """How long fresh mail takes while something is done."""
    traffic = Traffic(program, tenant)
    async with asyncio.TaskGroup() as group:
        for _ in range(DELIVERERS):
            group.create_task(traffic.deliver())
        sending = group.create_task(traffic.fresh())
        await work
        traffic.takes_no_more = True
        await sending
        traffic.is_over = True
    return traffic.taken


async def _pause() -> None:
    await asyncio.sleep(QUIET_SECONDS)


async def _job(program: Posthorn, tenant: Tenant) -> None:
    """Release all that are held; nearly all are sent when it ends."""
    server = tenant.server
    owner = JobOwner(OrganizationId(server.organization_id), server.full_name, server)
    job = await program[KeepJobs].start(owner, "release", {"filter": {"status": "held"}})
    while (await program[Jobs].get(server.id, job.id)).is_open:
        await program[RunJobs].run(10)
    done = await program[Jobs].get(server.id, job.id)
    assert (done.failed, done.done) == (0, done.matched), done


async def _fill(program: Posthorn, tenant: Tenant, messages: int) -> None:
    """Held messages, which share their bytes."""
    server = tenant.server.id
    (blob,) = await program[BlobStore].put(server, [CONTENT], time.time())
    numbers = await program[Numbers].take(server, "message", messages)
    db = program[MailDatabase]._writer
    origin = Origin("default", "demo.test", tenant.principal.credential.id)
    for start in range(0, messages, TOGETHER):
        made = []
        for number in numbers[start : start + TOGETHER]:
            given = replace(message(number, blob, server), rcpt_to="a@example.com", origin=origin)
            given = replace(given, id=MessageId(number), received_at=time.time())
            delivery = Delivery(number, Status.HELD, "Held by a test.", given.received_at)
            held = MessageRecord(given, Status.HELD, State.HELD, attempt=1, deliveries=(delivery,))
            made.append(replace(held, held=True, hold_expires_at=4_000_000_000))
        fetched(db, "BEGIN IMMEDIATE")
        db.executemany(_LOGGED, (_row(record) for record in made)).fetchall()
        db.executemany(LOG, (_log(record) for record in made)).fetchall()
        fetched(db, "COMMIT")


def _percentile(taken: list[float], place: int) -> float:
    return statistics.quantiles(taken, n=100)[place - 1]


if __name__ == "__main__":
    print_table(run())
