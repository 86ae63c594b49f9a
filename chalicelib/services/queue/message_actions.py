"""What a person can do with one message: release or cancel a hold, or try a waiting or failed message again now.

Each verb is a conditional write followed by a wake-up. The written record waits for the sweeper, so that a wake-up
lost between the two is sent by the sweeper (docs/architecture.md). Nothing here decides who may do it: the tenant is
checked by the caller.
"""

from __future__ import annotations

from chalicelib.domain import lifecycle
from chalicelib.domain.errors import Conflict
from chalicelib.domain.model import Delivery, DeliveryJob, MessageRecord, State, Status
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.ports.clock import Clock
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.numbers import Numbers
from chalicelib.ports.queue import WorkQueue

CANCELLED = "The hold on this message has been removed without action."


class MessageActions:
    """Release, cancel, retry."""

    def __init__(
        self, clock: Clock, messages: MessageStore, queue: WorkQueue, numbers: Numbers
    ) -> None:
        self._clock = clock
        self._messages = messages
        self._queue = queue
        self._numbers = numbers

    async def release(self, server: ServerId, message: MessageId) -> MessageRecord:
        """Send a held message on, past the checks that a person may overrule. Conflict when it is not held."""
        record = await self._messages.get(server, message)
        if record.state is not State.HELD:
            raise Conflict(f"Message {message} is not held")
        return await self._wake(record)

    async def retry(self, server: ServerId, message: MessageId) -> MessageRecord:
        """Try a waiting, held or failed message again now. Conflict when it was sent or is being sent."""
        record = await self._messages.get(server, message)
        if record.state is State.LEASED:
            raise Conflict(f"Message {message} is being sent at this moment")
        if record.status is Status.SENT:
            raise Conflict(f"Message {message} was sent already")
        return await self._wake(record)

    async def cancel(self, server: ServerId, message: MessageId) -> MessageRecord:
        """End a hold without sending. Conflict when the message is not held."""
        record = await self._messages.get(server, message)
        if record.state is not State.HELD:
            raise Conflict(f"Message {message} is not held")
        number = (await self._numbers.take(server, "delivery", 1))[0]
        delivery = Delivery(number, Status.HOLD_CANCELLED, CANCELLED, self._clock.now())
        after = lifecycle.hold_cancelled(record, delivery)
        await self._move(record, after)
        return after

    async def _wake(self, record: MessageRecord) -> MessageRecord:
        after = lifecycle.released(record, int(self._clock.now()))
        await self._move(record, after)
        job = DeliveryJob(after.message, after.attempt, manual=True)
        await self._queue.wake(after.message.origin.pool, [job])
        await self._messages.clear_due(after)
        return after

    async def _move(self, before: MessageRecord, after: MessageRecord) -> None:
        if not await self._messages.replace(before, after):
            raise Conflict(f"Message {before.message.id} has just changed, look again")
