"""What happens to a wake-up that no worker could finish: its message is held, where people see it.

A dead letter is never dropped before its message is held, is done, has moved on to another attempt, or is of a server
that is gone. It sends no mail.
"""

from __future__ import annotations

import logging

from chalicelib.config import Settings
from chalicelib.domain import lifecycle
from chalicelib.domain.durations import DAY
from chalicelib.domain.errors import NotFound
from chalicelib.domain.model import Delivery, DeliveryJob, Message, MessageRecord, State, Status
from chalicelib.ports.clock import Clock
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.numbers import Numbers
from chalicelib.services.queue.store_outcome import log_fields
from chalicelib.services.tenancy.directory import Directory

LOG = logging.getLogger("posthorn.dead_letters")

GIVEN_UP = (
    "This message could not be processed and has been held. Retry it when the cause is mended."
)


class DeadLetters:
    """Holds the messages of dead letters."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        messages: MessageStore,
        numbers: Numbers,
        directory: Directory,
    ) -> None:
        self._settings = settings
        self._directory = directory
        self._clock = clock
        self._messages = messages
        self._numbers = numbers

    async def hold(self, job: DeliveryJob) -> bool:
        """Hold the message of a dead letter; False while a worker still has it, so that the letter comes back. There is
        nothing to hold for a server that is gone."""
        try:
            await self._directory.server(job.message.server_id)
        except NotFound:
            return True
        record = await self._record(job.message)
        now = self._clock.now()
        if record.message.token != job.message.token or record.attempt != job.attempt:
            return True
        if record.state is State.LEASED and record.lease_until > now:
            return False
        if record.state not in (State.WAITING, State.LEASED):
            return True
        number = (await self._numbers.take(job.message.server_id, "delivery", 1))[0]
        delivery = Delivery(number, Status.HELD, GIVEN_UP, now)
        after = lifecycle.held(record, delivery, int(now) + self._settings.hold_days * DAY)
        LOG.error("dead letter", extra={"fields": log_fields(job.message)})
        return await self._messages.replace(record, after)

    async def _record(self, message: Message) -> MessageRecord:
        try:
            return await self._messages.get(message.server_id, message.id, message.scope)
        except NotFound:
            await self._messages.create([message])
            return await self._messages.get(message.server_id, message.id, message.scope)
