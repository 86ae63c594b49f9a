"""What works beside the listeners on one host, turn by turn and without waiting: deliverers, upkeep, webhooks."""

from __future__ import annotations

from chalicelib.adapters.sqlite.expiry import Expiry
from chalicelib.adapters.sqlite.folder import StateFolder
from chalicelib.adapters.sqlite.queue import SqliteWorkQueue
from chalicelib.adapters.sqlite.webhook_lanes import SqliteWebhookLanes
from chalicelib.bootstrap import Posthorn
from chalicelib.domain.model import INCOMING_QUEUE
from chalicelib.ports.clock import Clock
from chalicelib.ports.messages import MessageStore
from chalicelib.services.webhooks.work_lane import WorkLane
from functions.deliver import attempt
from functions.incoming import carry
from functions.queue_batch import Invocation, QueueRecord
from functions.upkeep import keep_up
from onehost.upkeep import Upkeep

MANY = 50
SHRINKS = 3
"""A look at what is over stands for so many minutes of it, in each of which the files may shrink."""
LEASE = 420


class OneHostWork:
    """The turns of `posthorn serve`."""

    def __init__(self, program: Posthorn) -> None:
        self._program = program
        self._upkeep = Upkeep(program)
        self._queue = program[SqliteWorkQueue]
        self._lanes = program[SqliteWebhookLanes]

    async def deliver(self) -> int:
        """Attempts for all that is to be tried now; how many."""
        done = 0
        for pool in await self._queue.queues():
            handler = carry if pool == INCOMING_QUEUE else attempt
            while jobs := await self._queue.receive(pool, MANY, "year"):
                records = tuple(
                    QueueRecord(one.receipt, one.receipt, one.job, one.receive_count)
                    for one in jobs
                )
                again = set(await handler(self._program, Invocation(records, lambda: 400.0)))
                await self._queue.delete([one.id for one in records if one.id not in again])
                done += len(jobs)
        return done

    async def tell(self) -> None:
        """The outbox is told of all changes."""
        await self._upkeep.feed()

    async def post(self) -> int:
        """Work at the lanes that are due; how many requests that were."""
        due = await self._lanes.due(self._program[Clock].now(), 1_000)
        return sum([await self._program[WorkLane].run(one, 10.0) for one in due])

    async def minute(self) -> None:
        """What happens each minute, or oftener."""
        upkeep = self._upkeep
        for turn in (upkeep.bury, upkeep.sweep, upkeep.dead_letters, upkeep.expire, upkeep.check):
            await turn()
        for turn in (upkeep.jobs, upkeep.tidy):
            await turn()
        expiry = self._program[Expiry]
        for _ in range(SHRINKS):
            await expiry.give_back_space()

    async def hour(self) -> None:
        """The steps of the hour, none of which may fail."""
        await keep_up(self._program, {})

    async def crash(self) -> int:
        """A process that dies with mail in hand, which it had claimed; how much that was."""
        now, name = int(self._program[Clock].now()), "p-1-77"
        jobs = await self._queue.receive("default", MANY, name)
        for one in jobs:
            assert one.job is not None
            await self._program[MessageStore].claim(one.job, name, now, now + LEASE)
        run = self._program[StateFolder].run
        assert run is not None
        (run / f"{name}.lock").touch()
        await self._upkeep.bury()
        return len(jobs)
