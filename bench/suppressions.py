"""A million suppressed recipients on one host (BENCH_SUPPRESSIONS): imported as a job, looked up, listed, exported.

The job is worked off by the code that one host has; look-ups are those of a batch of fifty messages, half of which are
for recipients who are listed.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from bench.disk import durable_disk
from bench.smtp_peers import Absent
from bench.table import Row, bounded, print_table
from chalicelib.bootstrap import Posthorn
from chalicelib.config import Settings
from chalicelib.domain.jobs import JobStatus
from chalicelib.domain.numbering import OrganizationId
from chalicelib.domain.suppression import Asked, SuppressionFilter, list_of
from chalicelib.domain.tenancy.servers import Server
from chalicelib.ports.blobs import BlobStore
from chalicelib.ports.jobs import Jobs
from chalicelib.ports.suppressions import SuppressionList
from chalicelib.services.jobs.keep import KeepJobs
from chalicelib.services.jobs.kinds import JobOwner
from chalicelib.services.jobs.run import RunJobs
from chalicelib.services.tenancy.organizations import Organizations
from chalicelib.services.tenancy.servers import Servers
from tests.resident_memory import peak_mib

ENTRIES = 1_000_000
BATCH = 50
TURNS = 200
UPLOAD = "0" * 32
MOST_OF_A_LOOK_UP = 5.0
MOST_OF_A_PAGE = 10.0
MOST_MEGABYTES = 200.0


def run() -> list[Row]:
    """Fill and measure; no rows where there is no disk."""
    return measure(int(os.environ.get("BENCH_SUPPRESSIONS", ENTRIES)))


def measure(entries: int) -> list[Row]:
    """Rows of a list of so many."""
    with tempfile.TemporaryDirectory(prefix="posthorn-suppressions-") as base:
        try:
            durable_disk(Path(base))
        except Absent as absent:
            print(f"suppressions: not measured: {absent}", file=sys.stderr)
            return []
        program = Posthorn(Settings(state_folder=str(Path(base) / "state")), "sqlite")
        return asyncio.run(_measured(program, entries))


async def _measured(program: Posthorn, entries: int) -> list[Row]:
    organization = await program[Organizations].create("Acme", "acme")
    server = await program[Servers].create(organization, "App")
    label = f"{entries:,} suppressions"
    before = peak_mib()
    taken = await _imported(program, server, entries)
    return [
        Row(f"{label}, imported", entries / taken, "rows/s"),
        bounded(f"{label}, memory of the import", peak_mib() - before, "MB", MOST_MEGABYTES),
        *await _looked_up(program, server, entries, label),
    ]


async def _imported(program: Posthorn, server: Server, entries: int) -> float:
    """Seconds that the job took."""
    now = time.time()
    rows = "".join(f"user{number}@d{number % 997}.example,bounce\n" for number in range(entries))
    await program[BlobStore].bring(server.id, UPLOAD, f"address,reason\n{rows}".encode(), now)
    owner = JobOwner(server.organization_id, server.full_name, server)
    begin = time.monotonic()
    job = await program[KeepJobs].start(owner, "import_suppressions", {"upload": UPLOAD})
    await program[RunJobs].run(36_000)
    done = await program[Jobs].get(server.id, job.id)
    if done.status is not JobStatus.DONE or done.done != entries:
        raise RuntimeError(f"the import ended as {done}")
    return time.monotonic() - begin


async def _looked_up(program: Posthorn, server: Server, entries: int, label: str) -> list[Row]:
    port, now = program[SuppressionList], time.time()
    organization = OrganizationId(server.organization_id)
    looks: list[float] = []
    pages: list[float] = []
    position: str | None = None
    for turn in range(TURNS):
        numbers = [turn * 7_919 % entries + at for at in range(BATCH)]
        asked = [
            Asked(server.id, organization, f"user{one}@d{one % 997}.example", "transactional")
            if one % 2
            else Asked(server.id, organization, f"other{one}@d{one % 997}.example", "transactional")
            for one in numbers
        ]
        begin = time.perf_counter()
        await port.listed(asked, now)
        looks.append(time.perf_counter() - begin)
        begin = time.perf_counter()
        owners = [server.id, list_of(organization)]
        page = await port.page(owners, SuppressionFilter(), 30, now, position)
        pages.append(time.perf_counter() - begin)
        position = page.next_cursor
    begin = time.perf_counter()
    await port.count([server.id], now)
    counted = time.perf_counter() - begin
    return [
        bounded(
            f"{label}, a batch of {BATCH} looked up",
            statistics.median(looks) * 1_000,
            "ms",
            MOST_OF_A_LOOK_UP,
        ),
        bounded(f"{label}, a page", statistics.median(pages) * 1_000, "ms", MOST_OF_A_PAGE),
        Row(f"{label}, counted by reason", counted * 1_000, "ms"),
    ]


if __name__ == "__main__":
    print_table(run())
