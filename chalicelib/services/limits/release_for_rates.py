"""Letting go what a complaint or bounce rate held, when it has fallen or its limit was raised or lifted: in the order
of acceptance, so many in a turn.

A message leaves its line after it was let go, which happens once, because its record is written under the condition
that it still is as it was. Its next attempt is a first one: another rate, or a send limit, may hold it.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from chalicelib.domain import lifecycle
from chalicelib.domain.errors import PoolMissing
from chalicelib.domain.limits.limit import Line, Standing, line_of
from chalicelib.domain.model import DeliveryJob, MessageRecord, State
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.operations import RELEASE
from chalicelib.domain.tenancy.audit import Acting, Actor
from chalicelib.domain.tenancy.rate_limits import Rate
from chalicelib.ports.acting import acting
from chalicelib.ports.clock import Clock
from chalicelib.ports.limit_lines import LimitLines, LineState
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.queue import WorkQueue
from chalicelib.services.queue.message_actions import operation_of
from chalicelib.services.reputation.watch_rates import LOOK_SECONDS, WatchRates
from chalicelib.services.tenancy.directory import Directory

PAGE = 100
MOST_OF_A_LINE = 1_000


class ReleaseForRates:
    """One turn of a line, which who calls has to itself."""

    def __init__(
        self,
        clock: Clock,
        lines: LimitLines,
        messages: MessageStore,
        queue: WorkQueue,
        directory: Directory,
        watch: WatchRates,
    ) -> None:
        self._clock = clock
        self._lines = lines
        self._messages = messages
        self._queue = queue
        self._directory = directory
        self._watch = watch

    async def run(self, state: LineState, until: float) -> int:
        """How many were let go; no more are after that moment of the monotonic clock. Raises TemporaryFailure."""
        line = state.line
        if await self._holds_on(line):
            await self._look_again(state, self._clock.now() + LOOK_SECONDS)
            return 0
        done, after, page = 0, None, await self._lines.first(line, PAGE)
        while page:
            done += await self._let_go(line, page)
            if done >= MOST_OF_A_LINE or self._clock.monotonic() > until:
                await self._look_again(state, self._clock.now())
                return done
            after = page[-1]
            page = await self._lines.first(line, PAGE, after)
        if await self._lines.first(line, 1):
            await self._look_again(state, self._clock.now() + LOOK_SECONDS)
        else:
            await self._lines.close(state)
        return done

    async def _holds_on(self, line: Line) -> bool:
        server = ServerId(line.owner.of)
        found = (await self._directory.fresh_servers([server])).get(server)
        if found is None:
            return False
        holds = await self._watch.look(found, begins=False)
        return any(one.is_of == (line.period, line.owner.credential) for one in holds)

    async def _look_again(self, state: LineState, at: float) -> None:
        await self._lines.put_off(state, replace(state, due_at=at))

    async def _let_go(self, line: Line, page: list[Standing]) -> int:
        found = await self._messages.get_many([(one.server, one.message) for one in page])
        records = {(one.message.server_id, one.message.id): one for one in found}
        return sum(
            [await self._one(line, one, records.get((one.server, one.message))) for one in page]
        )

    async def _one(self, line: Line, standing: Standing, record: MessageRecord | None) -> int:
        if record is not None and record.attempt < standing.attempt:
            return 0  # its attempt is not stored yet
        if record is None or not _is_held(record, standing, line):
            await self._moved_on(line, standing, record)
            return 0
        now = int(self._clock.now())
        after = lifecycle.let_go(record, now, counted=record.counted)
        name = f"{line.owner.kind}/{line.period}"
        with acting(Acting(Actor("system", "rate limit", name))):
            statuses = {"status": record.status.value}, {"status": after.status.value}
            operation = operation_of(RELEASE, record, now, after.attempt, *statuses)
        if not await self._messages.replace(record, after, operation):
            return 0
        await self._wake(line, standing, after)
        return 1

    async def _moved_on(self, line: Line, standing: Standing, record: MessageRecord | None) -> None:
        """Take out what is no longer held by this rate; what was let go, and perhaps not woken, is woken first."""
        if (
            record is not None
            and record.attempt == standing.attempt + 1
            and record.state is State.WAITING
            and not record.by_sweeper
        ):
            return await self._wake(line, standing, record)
        await self._lines.leave(line, standing)

    async def _wake(self, line: Line, standing: Standing, record: MessageRecord) -> None:
        """Without a queue for its pool it stays in the line, and is looked at again."""
        with suppress(PoolMissing):
            job = DeliveryJob(record.message, record.attempt)
            await self._queue.wake(record.message.origin.pool, [job], record.wake_at)
            await self._lines.leave(line, standing)


def _is_held(record: MessageRecord, standing: Standing, line: Line) -> bool:
    hold = record.limit_hold
    is_ours = hold is not None and line_of(hold) == line
    return is_ours and record.attempt == standing.attempt and record.state is State.HELD


def is_of_rate(line: Line) -> bool:
    """Whether a rate holds what stands in a line."""
    return isinstance(line.period, Rate)
