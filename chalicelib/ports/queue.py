"""The jobs of the delivering functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from chalicelib.domain.erasure import Sought
from chalicelib.domain.model import DeliveryJob
from chalicelib.domain.numbering import ServerId

MOST_AHEAD = 10_000


class WorkQueue(Protocol):
    """Jobs for functions, in a queue for each pool and one of incoming mail. At least once, in no order, durable once
    `wake` returns."""

    @property
    def longest_wait(self) -> int:
        """How many seconds ahead a job can be queued; whoever waits longer is woken by the sweeper."""

    @property
    def pools_are_deployed(self) -> bool:
        """Whether a pool has a queue only once it was deployed; else it has one with its first way out."""

    async def wake(self, queue: str, jobs: Sequence[DeliveryJob], at: float = 0) -> None:
        """Queue jobs (any number) for the moment `at` (epoch seconds), or for now when that has passed. A moment
        further ahead than `longest_wait` is brought forward to it. Raises TemporaryFailure unless all are in:
        PoolMissing when the pool has no queue."""

    async def extend_visibility(self, queue: str, receipt: str, seconds: int) -> None:
        """Keep a received job to its receiver for `seconds` from now: 0 gives it back at once, and more than the queue
        allows is as much as it allows. TemporaryFailure when the receipt is no longer good."""

    async def pools(self) -> tuple[str, ...]:
        """The pools that have a queue, by name. For people who configure; no function has the right to ask."""

    async def ahead(self, queue: str, before: float) -> int:
        """How many jobs of a queue were due before a moment that has passed and are not taken yet, at most
        MOST_AHEAD: about that many, and where places are not known all but one that are due. TemporaryFailure."""

    async def marked(self, queue: str) -> list[DeliveryJob]:
        """The jobs of a pool that say more than the record of their message: marked `manual`, or with an outcome.
        Nothing is taken out of the queue. For moves, when nobody else receives."""

    async def forget_dead(self, server: ServerId, sought: Sought) -> int:
        """Remove the wake-ups of a server that failed too often and name an address, where no `Traces` has them; how
        many. One that is being held at this moment is left."""
