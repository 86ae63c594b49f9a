"""Letting go what send limits hold, by itself: in the order of acceptance, one whenever the window has a place, but at
least a part of the window after the one before; at once when the limit was lifted or raised.

A message takes its places with it, so that its next attempt counts nothing. In one turn the wake-ups of the next minute
are queued, each for its own moment. Every step may be the last: a message leaves its line after it was let go, which
happens once, because its record is written under the condition that it still is as it was; what stands in a line and is
no longer held by it is taken out. Who dies with a place that no message has got loses that one.
"""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass, replace

from chalicelib.domain import lifecycle
from chalicelib.domain.errors import PoolMissing, TemporaryFailure
from chalicelib.domain.limits.limit import Limit, Line, Standing, hold_of, line_of
from chalicelib.domain.limits.windows import gap
from chalicelib.domain.model import Delivery, DeliveryJob, MessageRecord, State, Status
from chalicelib.domain.operations import Operation
from chalicelib.domain.tenancy.audit import Acting, Actor
from chalicelib.domain.tenancy.rate_limits import Rate
from chalicelib.domain.tenancy.servers import Server
from chalicelib.ports.acting import acting
from chalicelib.ports.clock import Clock
from chalicelib.ports.limit_lines import LimitLines, LineState
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.numbers import Numbers
from chalicelib.ports.queue import WorkQueue
from chalicelib.ports.send_limits import SendLimits
from chalicelib.services.limits.over_mail import LimitsOverMail
from chalicelib.services.limits.release_for_rates import ReleaseForRates, is_of_rate
from chalicelib.services.queue.message_actions import operation_of
from chalicelib.services.queue.store_outcome import best_effort
from chalicelib.services.tenancy.directory import Directory

AHEAD = 60.0
"""How far ahead one turn queues wake-ups: as far as the next turn is away. For so long it has the line to itself."""
MOST_LINES = 100
PAGE = 100
MOST_OF_A_LINE = 1_000
"""How many of one line are let go in a turn, so that other lines have theirs."""
LOOK_AGAIN = 60.0
SECONDS = 30.0
"""How long all lines of a run may take together; what is left stays due."""


@dataclass(slots=True)
class _Turn:
    """A line in hand: until which moment of the monotonic clock, what it did so far, and when it is looked at next."""

    state: LineState
    now: float
    until: float
    released_at: float
    let_go: int = 0
    unpaced: bool = False
    most: int | None = None
    stop_at: float | None = None


class ReleaseHeld:
    """The use case, run as often as the sweep."""

    def __init__(  # noqa: PLR0913  # all that a line and its mail touch
        self,
        *,
        clock: Clock,
        limits: SendLimits,
        lines: LimitLines,
        over_mail: LimitsOverMail,
        messages: MessageStore,
        queue: WorkQueue,
        numbers: Numbers,
        directory: Directory,
        of_rates: ReleaseForRates,
    ) -> None:
        self._clock = clock
        self._limits = limits
        self._lines = lines
        self._over_mail = over_mail
        self._messages = messages
        self._queue = queue
        self._numbers = numbers
        self._directory = directory
        self._of_rates = of_rates

    async def run(self) -> int:
        """Look at the lines that are due; how many messages were let go. TemporaryFailure, when all lines had their
        turn, if one of them met it."""
        away: TemporaryFailure | None = None
        done, until = 0, self._clock.monotonic() + SECONDS
        for state in await self._lines.due(self._clock.now(), MOST_LINES):
            if self._clock.monotonic() > until:
                break
            try:
                done += await self._look_at(state, until)
            except TemporaryFailure as failure:
                away = failure
        if away is not None:
            raise away
        return done

    async def _look_at(self, due: LineState, until: float) -> int:
        known = await self._lines.state(due.line)  # what is due may lag
        now = self._clock.now()
        if known is None or known.due_at > now:
            return 0
        state = replace(known, due_at=now + AHEAD)
        if not await self._lines.put_off(known, state):
            return 0  # another has it
        if is_of_rate(state.line):
            return await self._of_rates.run(state, until)
        turn = _Turn(state, now, until, state.released_at, most=state.most)
        size = _page_of(state)
        after: Standing | None = None
        while turn.stop_at is None:
            page = await self._lines.first(state.line, size, after)
            await self._go_through(turn, page)
            if len(page) < size:
                break
            after = page[-1]
        if turn.stop_at is None and await self._is_empty(state):
            return turn.let_go
        next_at = LOOK_AGAIN + now if turn.stop_at is None else turn.stop_at
        after_it = replace(
            state, due_at=max(now, next_at), released_at=turn.released_at, most=turn.most
        )
        await self._lines.put_off(state, after_it)
        return turn.let_go

    async def _is_empty(self, state: LineState) -> bool:
        """Close a line that nothing stands in."""
        if await self._lines.first(state.line, 1):
            return False
        await self._lines.close(state)
        return True

    async def _go_through(self, turn: _Turn, page: list[Standing]) -> None:
        records = await self._messages.get_many([(one.server, one.message) for one in page])
        servers = await self._directory.fresh_servers(sorted({one.server for one in page}))
        known = {(one.message.server_id, one.message.id): one for one in records}
        for standing in page:
            if turn.stop_at is None:
                record = known.get((standing.server, standing.message))
                await self._one(turn, standing, record, servers.get(standing.server))

    async def _one(
        self,
        turn: _Turn,
        standing: Standing,
        record: MessageRecord | None,
        server: Server | None,
    ) -> None:
        line = turn.state.line
        if record is not None and record.attempt < standing.attempt:
            return None  # its attempt is not stored yet
        if record is None or server is None or not _is_held(record, standing, line):
            return await self._moved_on(turn, standing, record)
        limits = (
            ()
            if server.is_suspended
            else await self._over_mail.still_to_count(record.message, server)
        )
        own = next((one for one in limits if one.line == line), None)
        if not self._may_go(turn, own):
            return None
        took = await self._limits.take(limits, 1, turn.now, in_line=line) if limits else None
        full = None if took is None else took.full
        if full is None:
            return await self._let_go(turn, standing, record, own, limits)
        free_at = took.free_at if took is not None else turn.now
        if own is not None and full.line == line:
            turn.most, turn.stop_at = own.most, free_at
            return None
        if own is not None and took is not None and took.waiting:
            # It has our next place while it waits behind others: what has places only goes over, and no whole line.
            turn.released_at = self._next_at(turn, own)
        return await self._move(turn, standing, record, full, free_at)

    def _may_go(self, turn: _Turn, own: Limit | None) -> bool:
        """Whether one more may be let go in this turn; else the line stops."""
        raised = own is None or (turn.most is not None and own.most > turn.most)
        if turn.let_go >= MOST_OF_A_LINE or self._clock.monotonic() > turn.until:
            turn.stop_at = turn.now
            return False
        if raised or own is None:
            turn.unpaced = True
            return True
        turn.unpaced = False
        next_at = turn.released_at + gap(own.period, own.most)
        if next_at > turn.now + AHEAD:
            # Looked at before the wake-ups that are queued have run out.
            turn.most, turn.stop_at = own.most, next_at - AHEAD / 2
            return False
        return True

    def _next_at(self, turn: _Turn, own: Limit | None) -> float:
        """When the next of the line goes."""
        if own is None or turn.unpaced:
            return turn.now
        return max(turn.now, turn.released_at + gap(own.period, own.most))

    async def _let_go(
        self,
        turn: _Turn,
        standing: Standing,
        record: MessageRecord,
        own: Limit | None,
        limits: tuple[Limit, ...],
    ) -> None:
        """Write it, queue it, take it out; see the head of this module."""
        at = self._next_at(turn, own)
        after = lifecycle.let_go(record, int(at), counted=bool(limits))
        if not await self._messages.replace(record, after, self._operation(turn, record, after)):
            await best_effort(self._limits.give_back(limits, 1, turn.now))
            return
        turn.let_go += 1
        turn.released_at = at
        await self._wake(turn, standing, after, at)

    async def _moved_on(
        self, turn: _Turn, standing: Standing, record: MessageRecord | None
    ) -> None:
        """Take out what is no longer held by this limit; what was let go, and perhaps not woken, is woken first."""
        if (
            record is not None
            and record.attempt == standing.attempt + 1
            and record.state is State.WAITING
            and not record.by_sweeper
        ):
            return await self._wake(turn, standing, record, record.wake_at)
        await self._lines.leave(turn.state.line, standing)

    async def _wake(
        self, turn: _Turn, standing: Standing, record: MessageRecord, at: float
    ) -> None:
        """Without a queue for its pool it stays in the line, and is looked at again."""
        job = DeliveryJob(record.message, record.attempt)
        with suppress(PoolMissing):
            await self._queue.wake(record.message.origin.pool, [job], at)
            await self._lines.leave(turn.state.line, standing)

    async def _move(
        self,
        turn: _Turn,
        standing: Standing,
        record: MessageRecord,
        full: Limit,
        free_at: float,
    ) -> None:
        """Another limit has no place for it: it stands in that one's line from now on."""
        there = replace(standing, attempt=record.attempt + 1)
        await self._lines.enter(full, there, free_at)
        number = (await self._numbers.take(record.message.server_id, "delivery", 1))[0]
        delivery = Delivery(number, Status.HELD, full.words, self._clock.now())
        await self._messages.replace(
            record, lifecycle.held(record, delivery, None, hold_of(full, free_at))
        )
        await self._lines.leave(turn.state.line, standing)

    def _operation(self, turn: _Turn, before: MessageRecord, after: MessageRecord) -> Operation:
        with acting(Acting(Actor("system", "send limit", turn.state.line.name))):
            return operation_of(
                "release",
                before,
                self._clock.now(),
                after.attempt,
                {"status": before.status.value},
                {"status": after.status.value},
            )


def _is_held(record: MessageRecord, standing: Standing, line: Line) -> bool:
    """Whether this limit holds it since it stands there. A worker that died behind its entry left one of a message that
    another may have sent, or that is held for another reason."""
    hold = record.limit_hold
    is_ours = hold is not None and line_of(hold) == line
    return is_ours and record.attempt == standing.attempt and record.state is State.HELD


def _page_of(state: LineState) -> int:
    """How many are read at a time: not many more than a turn lets go."""
    period = state.line.period
    if state.most is None or isinstance(period, Rate):
        return PAGE
    return min(PAGE, 10 + math.ceil(AHEAD / gap(period, state.most)))
