"""On one host a pool takes mail from its first way out on, and nothing has to be deployed for it."""

from __future__ import annotations

import pytest

from chalicelib.bootstrap import in_memory
from chalicelib.domain.errors import PoolMissing
from chalicelib.domain.tenancy.sources import EgressSource
from chalicelib.ports.queue import WorkQueue
from chalicelib.services.pools.sources import Sources
from chalicelib.services.tenancy.installation import Installation
from tests.fakes import a_job, a_message, a_server_id


async def test_a_pool_comes_with_its_source() -> None:
    program = in_memory()
    await program[Installation].ensure()
    jobs = [a_job(a_message(a_server_id(), 1))]
    with pytest.raises(PoolMissing):
        await program[WorkQueue].wake("bulk", jobs)
    await program[Sources].add(EgressSource("own", "bulk"))
    await program[WorkQueue].wake("bulk", jobs)
    assert [(pool.name, pool.has_queue) for pool in await program[Sources].pools()] == [
        ("bulk", True),
        ("default", True),
    ]
