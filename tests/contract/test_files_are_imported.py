"""Files of suppressions that are far larger than a piece, odd or broken are imported piece by piece, on both engines:
every row that can be read is listed or told of, a file that is none adds nothing, and memory does not grow with it."""

from __future__ import annotations

import json
import secrets
import time
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from chalicelib.domain.jobs import Job, JobStatus
from chalicelib.domain.suppression import Name, Reason
from chalicelib.domain.tenancy.servers import Server
from chalicelib.ports.blobs import BlobStore
from chalicelib.ports.jobs import Jobs
from chalicelib.ports.suppressions import SuppressionList
from chalicelib.services.jobs.import_suppressions import COUNTED_BYTES, ROWS_AT_ONCE
from chalicelib.services.jobs.keep import KeepJobs
from chalicelib.services.jobs.kinds import JobOwner
from chalicelib.services.jobs.run import RunJobs
from chalicelib.services.tenancy.organizations import Organizations
from chalicelib.services.tenancy.servers import Servers
from tests.contract.conftest import World

UPLOAD = "0" * 32
MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Imported:
    """A job that is over, in the server that it was for."""

    world: World
    server: Server
    job: Job

    async def has(self, address: str, reason: Reason = Reason.MANUAL) -> bool:
        name = Name(address)
        found = await self.world[SuppressionList].get(
            self.server.id, [name], self.world.clock.now()
        )
        return name in found and found[name].reason == reason.text

    async def count(self) -> int:
        counted = await self.world[SuppressionList].count([self.server.id], self.world.clock.now())
        return sum(counted.values())

    @property
    def result(self) -> Any:
        return json.loads(self.job.result or "{}")


async def started(world: World, content: bytes) -> tuple[Server, Job]:
    """The import of a file that was uploaded, in a server of its own."""
    world.clock.advance(
        time.time() - world.clock.now()
    )  # by which a bucket says how old an upload is
    await world.install()
    organization = await world[Organizations].create("Acme", secrets.token_hex(8))
    server = await world[Servers].create(organization, "App")
    await world[BlobStore].bring(server.id, UPLOAD, content, world.clock.now())
    owner = JobOwner(server.organization_id, server.full_name, server)
    return server, await world[KeepJobs].start(owner, "import_suppressions", {"upload": UPLOAD})


async def imported(world: World, content: bytes) -> Imported:
    """What becomes of it."""
    server, job = await started(world, content)
    await world[RunJobs].run(600)
    return Imported(world, server, await world[Jobs].get(server.id, job.id))


def rows(count: int, more: bytes = b"") -> Iterator[bytes]:
    for number in range(count):
        yield b"user%d@d%d.example%s\n" % (number, number % 97, more)


async def test_a_thousand_columns(world: World) -> None:
    """Of which one is wanted, the last, in a file of several pieces."""
    head = b",".join(b"c%d" % number for number in range(999))
    cells = b",".join([b"x"] * 999)
    lines = [cells + b"," + row for row in rows(700)]
    content = head + b",address\n" + b"".join(lines)
    assert len(content) > COUNTED_BYTES
    done = await imported(world, content)
    assert (done.job.status, done.job.done, done.job.failed) == (JobStatus.DONE, 700, 0)
    assert await done.count() == 700
    assert await done.has("user699@d20.example")


async def test_one_column_with_a_mark_in_front_and_lines_of_every_kind(world: World) -> None:
    content = (
        b"\xef\xbb\xbf Email \r\nann@a.example\rbob@a.example\n\r\n"
        b'"carl@a.example"\r\n nobody \r\n\xff@a.example\r\n  dora@a.example'
    )
    done = await imported(world, content)
    assert (done.job.status, done.job.done, done.job.failed) == (JobStatus.DONE, 4, 2)
    assert [one["line"] for one in done.result["invalid"]] == [6, 7]
    for name in ("ann", "bob", "carl", "dora"):
        assert await done.has(f"{name}@a.example")


async def test_many_rows_are_all_listed_or_told_of(world: World) -> None:
    """More than two pieces; a row that comes twice is one entry, a wrong one names its line."""
    count = 2 * ROWS_AT_ONCE + 500
    content = b"reason;address\n" + b"".join(b"bounce;" + one for one in rows(count))
    content += b"bounce;user0@d0.example\nnothing;user1@d1.example\nbounce;nobody\n"
    done = await imported(world, content)
    assert (done.job.status, done.job.matched) == (JobStatus.DONE, count + 3)
    assert (done.job.done, done.job.failed) == (count + 1, 2)
    assert (done.result["added"], done.result["updated"]) == (count, 1)
    assert [one["line"] for one in done.result["invalid"]] == [count + 3, count + 4]
    assert await done.count() == count
    assert await done.has(f"user{count - 1}@d{(count - 1) % 97}.example", Reason.BOUNCE)


@pytest.mark.parametrize(
    ("end", "told"),
    [
        (b"bob\0@a.example\n", "has a NUL: the file is no CSV in UTF-8"),
        (b"x" * (COUNTED_BYTES + 70_000), "No row ends within 1,000,000 bytes from line"),
    ],
    ids=["nul", "no end"],
)
async def test_what_is_no_file_of_rows_adds_nothing(world: World, end: bytes, told: str) -> None:
    """Though it begins as one for longer than a piece."""
    content = b"address\n" + b"".join(rows(60_000)) + end
    assert len(content) > COUNTED_BYTES
    done = await imported(world, content)
    assert done.job.status is JobStatus.FAILED
    assert told in str(done.job.errors)
    assert await done.count() == 0


@pytest.mark.slow
async def test_memory_does_not_grow_with_the_file(world: World) -> None:
    if world.family == "sqlite" and not world.settings.state_folder:
        pytest.skip("what is kept in memory grows by itself")
    more = b",nonsense,%s" % (b"n" * 1_000)
    small, large = (
        b"address,reason,note\n" + b"".join(rows(count, more)) for count in (4_000, 16_000)
    )
    peaks = []
    for content in (small, large):
        server, job = await started(world, content)
        tracemalloc.start()
        try:
            await world[RunJobs].run(600)
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
        failed = (await world[Jobs].get(server.id, job.id)).failed
        assert failed == content.count(b"@")
    assert peaks[1] < 1.5 * peaks[0] + 4 * MIB, peaks
    assert peaks[1] < 48 * MIB, peaks
