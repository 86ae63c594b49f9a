"""What the processes of a fault test do on one host: the deliverers and the feed of `posthorn serve` alone."""

from __future__ import annotations

import asyncio
import os

from chalicelib import bootstrap
from chalicelib.adapters.sqlite.processes import Processes
from chalicelib.adapters.sqlite.queue import DEFAULT_POOL, SqliteWorkQueue
from chalicelib.domain.model import INCOMING_QUEUE
from chalicelib.ports.clock import Clock
from onehost.deliverers import Deliverers
from onehost.upkeep import Upkeep

QUEUES = (DEFAULT_POOL, INCOMING_QUEUE)
TICK = 0.02
MOST = 10
SOON_SECONDS = 2.0


async def deliver() -> None:
    """Give back what the dead had, then deliver until nothing can be taken at once or soon."""
    program = bootstrap.posthorn()
    queue, clock, name = program[SqliteWorkQueue], program[Clock], f"p-{os.getpid()}"
    stop = asyncio.Event()
    with program[Processes].alive(name):
        await program[Processes].bury(clock.now())
        deliverers = Deliverers(program, name, MOST)
        working = asyncio.create_task(deliverers.run(stop))
        while deliverers.in_hand or any(_is_soon(queue.soonest(one), clock) for one in QUEUES):
            await asyncio.sleep(TICK)
        stop.set()
        await working


def _is_soon(moment: float | None, clock: Clock) -> bool:
    return moment is not None and moment <= clock.now() + SOON_SECONDS


async def count() -> None:
    """Tell the outbox what is new in the log."""
    await Upkeep(bootstrap.posthorn()).feed()
