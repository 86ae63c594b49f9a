"""What a person can do with one message by hand: hold it, release or cancel a hold, try it again now, give it up.

Each verb is a conditional write, with which the operation is stored, followed by a wake-up where the message is to be
sent. The written record waits for the sweeper, so that a wake-up lost between the two is sent by the sweeper
(docs/architecture.md). A wake-up that was under way is of an attempt that is over, and does nothing. Nothing here
decides who may do it: the tenant is checked by the caller, and who acts is what `chalicelib.ports.acting` says.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from chalicelib.config import Settings
from chalicelib.domain import lifecycle
from chalicelib.domain.durations import DAY
from chalicelib.domain.errors import BeingSent, Conflict, NotFound
from chalicelib.domain.limits.limit import Standing, line_of
from chalicelib.domain.message_verbs import (
    Fault,
    done_by,
    not_held,
    not_incoming,
    not_open,
    not_to_bounce,
    not_to_release,
    not_to_retry,
    not_to_try_again,
    not_waiting,
)
from chalicelib.domain.model import (
    Arrival,
    Delivery,
    DeliveryJob,
    MessageRecord,
    State,
    Status,
)
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.operations import RELEASE, Operation
from chalicelib.ports.acting import SYSTEM, who_acts
from chalicelib.ports.blobs import BlobStore
from chalicelib.ports.clock import Clock
from chalicelib.ports.limit_lines import LimitLines
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.numbers import Numbers
from chalicelib.ports.queue import WorkQueue
from chalicelib.services.events.record_operations import RecordOperations
from chalicelib.services.queue.allow_recipient import AllowRecipient
from chalicelib.services.queue.store_outcome import best_effort

CANCELLED = "The hold on this message has been removed without action."
SCHEDULE_CANCELLED = "Scheduled sending was cancelled."
MOST_TRIES = 3
LONGEST_WAIT = 30
Moved = Callable[[MessageRecord], MessageRecord]


class MessageActions:
    """Hold, release, cancel, retry, bounce, replay. Each raises NotFound, Conflict when the state does not allow it,
    BeingSent while a worker has the message, and TemporaryFailure."""

    def __init__(  # noqa: PLR0913  # all that its verbs touch
        self,
        *,
        settings: Settings,
        clock: Clock,
        messages: MessageStore,
        queue: WorkQueue,
        numbers: Numbers,
        blobs: BlobStore,
        allow: AllowRecipient,
        recording: RecordOperations,
        lines: LimitLines,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._messages = messages
        self._queue = queue
        self._numbers = numbers
        self._blobs = blobs
        self._allow = allow
        self._recording = recording
        self._lines = lines

    async def hold(self, server: ServerId, message: MessageId) -> MessageRecord:
        """Keep a waiting message until a person looks at it, or its hold expires."""
        text = f"Held by {_name()}."
        delivery = await self._entry(server, Status.HELD, text)
        expires_at = int(delivery.at) + self._settings.hold_days * DAY
        return await self.move(
            server,
            message,
            "hold",
            not_waiting,
            lambda record: lifecycle.held(record, delivery, expires_at),
        )

    async def release(
        self,
        server: ServerId,
        message: MessageId,
        *,
        allow: bool = False,
        note: str | None = None,
        by_operator: bool = False,
    ) -> MessageRecord:
        """Send a held message on, past the checks that a person may overrule, what a rate holds for operators alone.
        With `allow` what stands against its recipient on suppression lists is removed first; `note` says why."""
        fault = not_held if by_operator else not_to_release
        told: dict[str, Any] = {"allow": True} if allow else {}
        if note is not None:
            told["note"] = note
        if allow:
            record = await self._sendable(server, message, fault)
            await self._allow.run(record.message)
        return await self._wake(server, message, RELEASE, fault, told)

    async def retry(
        self, server: ServerId, message: MessageId, *, by_operator: bool = False
    ) -> MessageRecord:
        """Try a waiting, held or failed message again now, past the same checks."""
        fault = not_to_retry if by_operator else not_to_try_again
        return await self._wake(server, message, "retry", fault, {})

    async def cancel(self, server: ServerId, message: MessageId) -> MessageRecord:
        """End a message that is held or waits, without sending it."""
        delivery = await self._entry(server, Status.HOLD_CANCELLED, CANCELLED)

        def cancelled(record: MessageRecord) -> MessageRecord:
            text = SCHEDULE_CANCELLED if record.is_scheduled else CANCELLED
            return lifecycle.done(record, replace(delivery, details=text))

        return await self.move(server, message, "cancel", not_open, cancelled)

    async def bounce(self, server: ServerId, message: MessageId) -> MessageRecord:
        """Give up a message that is held or waits, as one that failed for good."""
        text = f"Given up by {_name()}."
        delivery = await self._entry(server, Status.HARD_FAIL, text, about_us=True)
        return await self.move(
            server,
            message,
            "bounce",
            not_to_bounce,
            lambda record: lifecycle.done(record, delivery),
        )

    async def replay(
        self, server: ServerId, message: MessageId, way: Arrival, told: dict[str, Any]
    ) -> MessageRecord:
        """Hand an incoming message on once more, whatever became of it, by this way. `told` is what was asked for."""
        return await self._wake(server, message, "replay", not_incoming, told, way)

    async def _entry(
        self, server: ServerId, status: Status, text: str, *, about_us: bool = False
    ) -> Delivery:
        number = (await self._numbers.take(server, "delivery", 1))[0]
        return Delivery(number, status, text, self._clock.now(), about_us=about_us)

    async def _wake(
        self,
        server: ServerId,
        message: MessageId,
        verb: str,
        fault: Fault,
        told: dict[str, Any],
        way: Arrival | None = None,
    ) -> MessageRecord:
        await self._sendable(server, message, fault)
        now = int(self._clock.now())

        def moved(record: MessageRecord) -> MessageRecord:
            after = lifecycle.released(record, now)
            if way is None:
                return after
            return replace(after, replay=way, released=False, counted=False)

        after = await self.move(server, message, verb, fault, moved, told)
        job = DeliveryJob(after.message, after.attempt, manual=way is None)
        await self._queue.wake(after.message.origin.pool, [job])
        await self._messages.clear_due(after)
        return after

    async def move(
        self,
        server: ServerId,
        message: MessageId,
        verb: str,
        fault: Fault,
        moved: Moved,
        told: dict[str, Any] | None = None,
    ) -> MessageRecord:
        """Store a message as it is moved, with the operation, and have that entered; it is looked at again when it has
        changed meanwhile."""
        job = (who_acts() or SYSTEM).job
        for _ in range(MOST_TRIES):
            before = await self._allowed(server, message, fault)
            after = done_by(moved(before), job)
            operation = self._operation(verb, before, after, told or {})
            if await self._messages.replace(before, after, operation):
                if not job:
                    # What this leaves undone, the outbox does; it enters those of a job, many at a time.
                    await best_effort(self._recording.record(server, message, operation))
                await self._leave_line(before)
                return after
        raise BeingSent(f"Message {message} is changing, look again", 1)

    async def _leave_line(self, before: MessageRecord) -> None:
        """What a limit held keeps nobody waiting behind it. Who lets go what stands there finds it out otherwise."""
        if before.limit_hold is not None:
            standing = Standing.of(before.message, before.attempt)
            await best_effort(self._lines.leave(line_of(before.limit_hold), standing))

    async def _sendable(self, server: ServerId, message: MessageId, fault: Fault) -> MessageRecord:
        """A message that a verb is allowed for, and whose content is there, of which one byte is read."""
        record = await self._allowed(server, message, fault)
        blob = record.message.blob
        try:
            await self._blobs.get(replace(blob, length=min(1, blob.length)))
        except NotFound as gone:
            raise Conflict(f"The content of message {message} is no longer kept") from gone
        return record

    async def _allowed(self, server: ServerId, message: MessageId, fault: Fault) -> MessageRecord:
        record = await self._messages.get(server, message)
        left = record.lease_until - int(self._clock.now())
        if record.state is State.LEASED and left > 0:
            wait = min(left, LONGEST_WAIT)
            raise BeingSent(f"Message {message} is being sent at this moment", wait)
        if (found := fault(record)) is not None:
            raise Conflict(f"Message {message} {found}")
        return record

    def _operation(
        self, verb: str, before: MessageRecord, after: MessageRecord, told: dict[str, Any]
    ) -> Operation:
        return operation_of(
            verb,
            before,
            self._clock.now(),
            after.attempt,
            {"status": before.status.value},
            {"status": after.status.value, **told, **_of_job()},
        )


def operation_of(
    verb: str,
    record: MessageRecord,
    now: float,
    attempt: int,
    before: dict[str, Any],
    after: dict[str, Any],
) -> Operation:
    """What is stored of a verb on a message by whoever acts."""
    who = who_acts() or SYSTEM
    return Operation(
        verb=verb,
        message=record.message.id,
        token=record.message.token,
        attempt=attempt,
        at=now,
        before=_json(before) if before else "",
        after=_json(after),
        actor_kind=who.actor.kind,
        actor_id=who.actor.id,
        actor_name=who.actor.name,
        address=who.address,
        request_id=who.request_id,
    )


def _of_job() -> dict[str, Any]:
    job = (who_acts() or SYSTEM).job
    return {"job": job} if job else {}


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _name() -> str:
    return (who_acts() or SYSTEM).actor.name
