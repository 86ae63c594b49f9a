"""An installation copied into another family of stores, while it serves and once it rests.

It goes through the ports of both sides, so that to AWS and from AWS are one way. Configuration goes first, its secrets
opened on one side and sealed on the other; then suppressions, uploads and files, and what is over: messages with their
log, bytes, links and hits. Once nothing serves the source, `last` brings the numbers that were given, answers to
requests with an idempotency key, what waits, counters, and jobs. Whatever was copied may be copied again: a run that
was stopped goes on at its page, and a further one brings what has changed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Iterator
from itertools import islice
from typing import TypeVar

from chalicelib.bootstrap import Posthorn
from chalicelib.domain.durations import DAY
from chalicelib.domain.errors import NotFound, PermanentFailure
from chalicelib.domain.model import INCOMING_QUEUE, DeliveryJob
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.paging import MOST_LISTED
from chalicelib.domain.periods import STORED
from chalicelib.domain.report import ReportFilter
from chalicelib.domain.statistics import KEPT_SECONDS, Addition, Slot
from chalicelib.domain.suppression import list_of
from chalicelib.ports.blobs import BlobStore
from chalicelib.ports.clock import Clock
from chalicelib.ports.idempotency import IdempotencyKeys
from chalicelib.ports.imported_tokens import ImportedTokens
from chalicelib.ports.numbers import Numbers
from chalicelib.ports.queue import WorkQueue
from chalicelib.ports.reports import Reports
from chalicelib.ports.repository import Repository
from chalicelib.ports.statistics import Statistics
from chalicelib.ports.unsubscribe_links import UnsubscribeLinks
from onehost.move.configuration import copy_configuration, organizations, pools, servers
from onehost.move.groups import copy_groups
from onehost.move.jobs import copy_files, copy_jobs
from onehost.move.messages import Jobs, MessageCopy
from onehost.move.steps import Steps
from onehost.move.suppressions import copy_suppressions
from onehost.move.webhooks import copy_deliveries
from onehost.storage.progress import Progress

T = TypeVar("T")
NOT_MOVED = (
    "Not moved: the send rate of the last hour, addresses for uploads that have not come, claims of requests that were"
    " not answered, and messages of servers that were removed."
)
MOVED = "moved"  # the source of what counters were counted elsewhere
KINDS = ("message", "delivery", "report")
AT_ONCE = 100_000
TOGETHER = 200
OLDEST = 3_650 * DAY


class Move:
    """One move, from one program to another."""

    def __init__(
        self, source: Posthorn, target: Posthorn, steps: Steps, progress: Progress
    ) -> None:
        self._source = source
        self._target = target
        self._steps = steps
        self._progress = progress

    async def check(self) -> None:
        """PermanentFailure when the other side is not ready."""
        if not self._steps.begun and await organizations(self._target):
            raise PermanentFailure(
                "The other side has organizations already: a move needs an empty one"
            )
        if self._target[WorkQueue].pools_are_deployed:
            missing = set(await pools(self._source)) - set(await self._target[WorkQueue].pools())
            for pool in sorted(missing):
                raise PermanentFailure(f"The pool {pool} has no queue there: deploy it first")

    async def run(self, *, last: bool) -> int:
        """Copy what can be copied; with `last`, everything. How many messages were looked at in this run."""
        self._steps.begin()
        await copy_configuration(self._source, self._target)
        ours = await servers(self._source)
        if last:
            await self._sequences()
            for server in ours:
                await self._numbers(server)
        copy = MessageCopy(self._source, self._target, self._steps, self._progress)
        shared = [list_of(one.id) for one in await organizations(self._source)]
        for owner in (*shared, *ours):
            await copy_suppressions(self._source, self._target, owner)
            await copy_files(self._source, self._target, owner)
        for server in ours:
            await self._reports(server)
            await self._unsubscribes(server)
            await self._tokens(server)
            await self._uploads(server)
            await copy.over(server)
        if last:
            jobs = await self._marked_jobs()
            for server in ours:
                await self._answers(server)
                await copy.waiting(server, jobs)
                await copy_deliveries(self._source, self._target, server)
                await self._counters(server)
            for owner in (*shared, *ours):
                await copy_jobs(self._source, self._target, owner)
        self._steps.forget()
        return copy.seen

    async def _reports(self, server: ServerId) -> None:
        """All of them: one that is there stays as it is."""
        source, target = self._source[Reports], self._target[Reports]
        cursor = None
        while True:
            page = await source.page(server, ReportFilter(), MOST_LISTED, cursor)
            await _some_at_a_time(
                target.add(server, report, brought=True) for report in page.values
            )
            if page.next_cursor is None:
                return
            cursor = page.next_cursor

    async def _unsubscribes(self, server: ServerId) -> None:
        """All that work: one that is there is written again as it is."""
        now, cursor = self._source[Clock].now(), None
        while True:
            page = await self._source[UnsubscribeLinks].page(server, now, cursor)
            await self._target[UnsubscribeLinks].keep(*page.values)
            if (cursor := page.next_cursor) is None:
                return

    async def _tokens(self, server: ServerId) -> None:
        """All that came with an installation that was moved in."""
        now, cursor = self._source[Clock].now(), None
        while True:
            page = await self._source[ImportedTokens].page(server, now, cursor)
            await self._target[ImportedTokens].keep(page.values)
            if (cursor := page.next_cursor) is None:
                return

    async def _uploads(self, server: ServerId) -> None:
        """Those that a request may still name."""
        now = self._source[Clock].now()
        source, target = self._source[BlobStore], self._target[BlobStore]
        there = await target.uploads(server, now)
        for upload, at in (await source.uploads(server, now)).items():
            if upload in there:
                continue
            try:
                content = await source.get(await source.uploaded(server, upload, now))
            except NotFound:
                continue
            await target.bring(server, upload, content, at)

    async def _answers(self, server: ServerId) -> None:
        answers = await self._source[IdempotencyKeys].all(server, self._source[Clock].now())
        for start in range(0, len(answers), TOGETHER):
            await self._target[IdempotencyKeys].keep(server, answers[start : start + TOGETHER])

    async def _marked_jobs(self) -> Jobs:
        """What is queued and says more than the record of its message, looked for once."""
        found: list[DeliveryJob] = []
        for pool in (INCOMING_QUEUE, *await self._source[WorkQueue].pools()):
            jobs = self._steps.jobs(pool)
            if jobs is None:
                jobs = await self._source[WorkQueue].marked(pool)
                self._steps.found(pool, jobs)
            found += jobs
        found.sort(
            key=lambda job: job.outcome is not None
        )  # which comes after the job that began it
        return {(job.message.server_id, job.message.id, job.attempt): job for job in found}

    async def _counters(self, server: ServerId) -> None:
        """Each slot as one addition, which is counted once however often it is made."""
        now = int(self._source[Clock].now())
        for period in STORED:
            first = now - KEPT_SECONDS.get(period, OLDEST)
            slots = await self._source[Statistics].read(server, period, first, now)
            await _some_at_a_time(
                self._target[Statistics].add(
                    MOVED, Slot(server, period, start), [Addition("1", counts)]
                )
                for start, counts in slots
            )
        await copy_groups(self._source, self._target, server)

    async def _numbers(self, server: ServerId) -> None:
        """Have the other side go on after the last number that was given."""
        for kind in KINDS:
            (given,) = await self._source[Numbers].take(server, kind, 1)
            (last,) = await self._target[Numbers].take(server, kind, 1)
            while last < given:
                count = min(AT_ONCE, given - last)
                last = (await self._target[Numbers].take(server, kind, count))[-1]

    async def _sequences(self) -> None:
        for kind in ("organization", "server", "pool rule", "route"):
            given = await self._source[Repository].next_number(kind)
            while await self._target[Repository].next_number(kind) < given:
                pass


async def _some_at_a_time(work: Iterable[Awaitable[T]]) -> None:
    waiting: Iterator[Awaitable[T]] = iter(work)
    while some := list(islice(waiting, TOGETHER)):
        await asyncio.gather(*some)
