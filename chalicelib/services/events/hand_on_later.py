"""Events that are too many for the outbox to hand on, since other tenants' stand behind them.

They are written down with an inner job of their server, and the outbox goes on; whoever works on jobs hands them on,
some to some webhooks at a time, in turn with what others have. The same events make the same job, and a delivery that
comes again adds nothing, so that it does not matter who died where.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Sequence

from chalicelib.domain.errors import Conflict, TemporaryFailure
from chalicelib.domain.jobs import INNER, Job, Piece
from chalicelib.domain.json_values import parse_value, render_value
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.occurrence import Occurrence
from chalicelib.domain.webhooks.lane import MOST_FRESH
from chalicelib.ports.clock import Clock
from chalicelib.ports.job_bell import JobBell
from chalicelib.ports.jobs import Jobs
from chalicelib.services.events.compose import ComposeEvents
from chalicelib.services.webhooks.fan_out import FanOut

LOG = logging.getLogger("posthorn.events")
MOST_AT_ONCE = 1_000
"""Deliveries that the outbox makes of what a server told in one batch, before others have their turn: with one webhook
it makes all of them."""
OF_A_PIECE = 1_000
_LETTERS = 15


class HandOnLater:
    """The inner type of jobs `hand_on`."""

    type = "hand_on"

    def __init__(
        self, clock: Clock, jobs: Jobs, bell: JobBell, compose: ComposeEvents, webhooks: FanOut
    ) -> None:
        self._clock = clock
        self._jobs = jobs
        self._bell = bell
        self._compose = compose
        self._webhooks = webhooks

    async def keep(self, server: ServerId, told: Sequence[Occurrence]) -> None:
        """Keep what is to be handed on. TemporaryFailure, and then it must come again."""
        job = Job(_id(told), self.type, "", "{}", "", self._clock.now())
        for part, start in enumerate(range(0, len(told), MOST_FRESH)):
            some = [render_value(one) for one in told[start : start + MOST_FRESH]]
            await self._jobs.write_down(server, job, part, some)
        try:
            await self._jobs.add(server, job)
        except Conflict:
            return  # they came again
        try:
            await self._bell.ring()
        except TemporaryFailure:
            LOG.warning("jobs are not woken, and look by themselves later")

    async def piece(self, owner: ServerId, job: Job) -> Piece:
        """Hand the events of a part on to the next of the webhooks. Whatever goes wrong is tried again: what is told of
        is not lost."""
        try:
            return await self._piece(owner, job)
        except Exception as wrong:
            LOG.exception("events are handed on later", extra={"fields": {"job": job.id}})
            raise TemporaryFailure("Events are not handed on, they are later") from wrong

    async def _piece(self, owner: ServerId, job: Job) -> Piece:
        part, after = json.loads(job.state or '[0, ""]')
        texts = await self._jobs.written_down(owner, job.id, part)
        if not texts:
            return Piece(is_last=True)
        told = [parse_value(Occurrence, text) for text in texts]
        events = await self._compose.compose(owner, told)
        most = max(1, OF_A_PIECE // len(told))
        last = await self._webhooks.take_some(owner, events, after, most) if events else None
        state = [part + 1, ""] if last is None else [part, last]
        return Piece(state=json.dumps(state), done=0 if last else len(told))


def _id(told: Sequence[Occurrence]) -> str:
    """Of these occurrences always the same, behind those of other jobs."""
    digest = hashlib.sha256("\n".join(one.name for one in told).encode()).digest()
    return INNER + "".join(chr(ord("a") + byte % 26) for byte in digest[:_LETTERS])
