"""What is done now and then is due by the program's clock, and what stays undone stands in nobody's way."""

from __future__ import annotations

import asyncio
import time

import pytest

from chalicelib import bootstrap
from chalicelib.adapters.scripted.time import ControlledClock
from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.mail_schema import MailDatabase
from chalicelib.adapters.sqlite.queue import SqliteWorkQueue
from chalicelib.domain.reply import Reply
from chalicelib.ports.clock import Clock
from chalicelib.ports.egress import TransactionResult
from chalicelib.services.tenancy.servers import ServerOptions
from onehost.upkeep import Upkeep
from tests.patience import PATIENCE
from tests.queues import depth
from tests.worlds import make_scene


class Counted(Upkeep):
    """Counts turns that come once a minute, and once an hour."""

    def __init__(self) -> None:
        self.clock = ControlledClock(1_800_000_000)
        super().__init__(bootstrap.in_memory(parts={Clock: self.clock}))
        self.turns = dict.fromkeys(("expire", "dead_letters", "each_hour"), 0)

    async def expire(self) -> None:
        self.turns["expire"] += 1
        raise RuntimeError("a turn that fails comes again")

    async def dead_letters(self) -> None:
        self.turns["dead_letters"] += 1

    async def each_hour(self) -> None:
        self.turns["each_hour"] += 1


class Sweeping(Upkeep):
    """Says when a sweep has ended."""

    def __init__(self, posthorn: bootstrap.Posthorn) -> None:
        super().__init__(posthorn)
        self.swept = asyncio.Event()

    async def sweep(self) -> None:
        await super().sweep()
        self.swept.set()


async def test_a_moved_clock_makes_every_turn_due() -> None:
    upkeep, stop = Counted(), asyncio.Event()
    running = asyncio.create_task(upkeep.run(stop))

    async def all_had(turns: int) -> None:
        deadline = time.monotonic() + PATIENCE
        while {n for name, n in upkeep.turns.items() if name != "each_hour"} != {turns}:
            assert time.monotonic() < deadline, upkeep.turns
            await asyncio.sleep(0.01)

    await all_had(1)
    upkeep.clock.advance(60)
    await all_had(2)
    upkeep.clock.advance(59)
    await asyncio.sleep(0.6)
    await all_had(2)
    assert upkeep.turns["each_hour"] == 1
    upkeep.clock.advance(3_600)
    await all_had(3)
    assert upkeep.turns["each_hour"] == 2
    stop.set()
    await running


async def test_what_becomes_due_soon_after_the_clock_was_moved_is_woken_then() -> None:
    scene = await make_scene(server=ServerOptions(retry_schedule="30m"))
    deferred = TransactionResult(Reply(451, "4.3.0", "Try again later"), "RCPT")
    scene.egress.always("john@example.com", deferred)
    (message,) = await scene.accept("john@example.com")
    await scene.deliver_ready()
    due_at = (await scene.record(message)).wake_at
    upkeep, stop = Sweeping(scene.posthorn), asyncio.Event()
    running = asyncio.create_task(upkeep.run(stop))
    async with asyncio.timeout(PATIENCE):
        await upkeep.swept.wait()
        upkeep.swept.clear()
        scene.clock.advance(due_at - 10 - scene.clock.now())
        await upkeep.swept.wait()
        assert depth(scene.posthorn) == 0
        scene.clock.advance(10)
        while depth(scene.posthorn) == 0:
            await asyncio.sleep(0.01)
    stop.set()
    await running


async def test_dead_letters_that_nobody_can_read_stay_and_hold_up_no_others() -> None:
    clock = ControlledClock(1_800_000_000)
    program = bootstrap.in_memory(parts={Clock: clock})
    queue = program[SqliteWorkQueue]
    letter = (
        "INSERT INTO queue(pool, visible_at, receives, key, attempt, manual, body)"
        " VALUES ('default', 0, 20, 1, 0, 0, '{\"kind\": \"of a newer release\"}')"
    )
    for _ in range(12):
        await program[MailDatabase].write(lambda db: fetched(db, letter))
    assert {one.job for one in await queue.dead(20)} == {None}
    await Upkeep(program).dead_letters()
    assert await queue.dead(20) == []
    clock.advance(480)
    assert len(await queue.dead(20)) == 12


async def test_a_stop_does_not_wait_for_the_steps_of_the_hour() -> None:
    begun, given_up = asyncio.Event(), asyncio.Event()

    async def endless(_: bootstrap.Posthorn) -> int:
        begun.set()
        try:
            await asyncio.sleep(3_600)
        finally:
            given_up.set()
        return 0

    upkeep, stop = Upkeep(bootstrap.in_memory(parts={Clock: ControlledClock()})), asyncio.Event()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("functions.upkeep.STEPS", (("endless", endless),))
        running = asyncio.create_task(upkeep.run(stop))
        await asyncio.wait_for(begun.wait(), PATIENCE)
        stop.set()
        await asyncio.wait_for(running, PATIENCE)
    assert given_up.is_set()
