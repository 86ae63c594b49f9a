"""A scheduled message gets another time: a conditional write like those of the other verbs on a message.

One that is to be sent now is woken; if that gets lost, the sweeper wakes it, as it does at a time to come.
"""

from __future__ import annotations

from chalicelib.domain import lifecycle
from chalicelib.domain.model import DeliveryJob, MessageRecord
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.send_options import later
from chalicelib.domain.tenancy.told_fields import time_text
from chalicelib.ports.clock import Clock
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.queue import WorkQueue
from chalicelib.services.queue.message_actions import MessageActions


class RescheduleMail:
    """The reschedule use case."""

    def __init__(
        self, clock: Clock, messages: MessageStore, queue: WorkQueue, actions: MessageActions
    ) -> None:
        self._clock = clock
        self._messages = messages
        self._queue = queue
        self._actions = actions

    async def reschedule(
        self, server: ServerId, message: MessageId, at: float | None
    ) -> MessageRecord:
        """Have a message sent at another time, or now: that is None, and what has passed. ValueError for what is too
        far away; NotFound, Conflict unless it is scheduled, BeingSent, TemporaryFailure."""
        now = self._clock.now()
        at = later(at, now)
        after = await self._actions.move(
            server,
            message,
            "reschedule",
            _not_scheduled,
            lambda record: lifecycle.rescheduled(record, at, int(now)),
            {"scheduled_at": None if at is None else time_text(at)},
        )
        if at is None:
            job = DeliveryJob(after.message, after.attempt)
            await self._queue.wake(after.message.origin.pool, [job])
            await self._messages.clear_due(after)
        return after


def _not_scheduled(record: MessageRecord) -> str | None:
    return None if record.is_scheduled else "is not scheduled"
