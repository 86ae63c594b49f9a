"""The work queue in memory as a test likes it: what lies in it, and queues that behave as those of a deployment do.

`with_queue(posthorn, kind)` is the same installation with such a queue.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.mail_schema import MailDatabase
from chalicelib.adapters.sqlite.queue import HandedOut, SqliteWorkQueue
from chalicelib.bootstrap import Posthorn
from chalicelib.domain.model import DeliveryJob
from chalicelib.ports.queue import WorkQueue
from tests.worlds import beside

Queue = TypeVar("Queue", bound=SqliteWorkQueue)


def depth(posthorn: Posthorn, pool: str = "default") -> int:
    """How many jobs a pool's queue holds, visible or not."""
    return len(_visible_at(posthorn, pool))


def next_visible_at(posthorn: Posthorn, pool: str = "default") -> float | None:
    """When the next job of a pool can be received (epoch seconds); None when it has none."""
    return min(_visible_at(posthorn, pool), default=None)


def with_queue(posthorn: Posthorn, kind: type[Queue]) -> Posthorn:
    """The same installation with a queue of this class."""
    return beside(posthorn, {WorkQueue: posthorn[kind]})


class DeployedQueue(SqliteWorkQueue):
    """A pool has its queue from its deployment on, whether it has a way out or not: as on AWS."""

    pools_are_deployed = True
    deployed: frozenset[str] = frozenset()

    def deploy(self, *pools: str) -> None:
        """Make the queues of these pools."""
        self.deployed |= set(pools)

    def _named(self) -> set[str]:
        return set(self.deployed)


class UnrulyQueue(SqliteWorkQueue):
    """A share of jobs arrives twice, and those that are received come in any order: as from SQS."""

    duplicate = 0.0
    dice = random.Random(0)

    async def wake(self, queue: str, jobs: Sequence[DeliveryJob], at: float = 0) -> None:
        """Queue jobs, some of them twice."""
        again = [job for job in jobs if self.dice.random() < self.duplicate]
        await super().wake(queue, [*jobs, *again], at)

    async def receive(self, pool: str, limit: int = 10, owner: str = "") -> list[HandedOut]:
        """Jobs in any order."""
        received = await super().receive(pool, limit, owner)
        return self.dice.sample(received, len(received))


def _visible_at(posthorn: Posthorn, pool: str) -> list[float]:
    rows = posthorn[MailDatabase].read(
        lambda db: fetched(db, "SELECT visible_at FROM queue WHERE pool = ?", (pool,))
    )
    return [when for (when,) in rows]
