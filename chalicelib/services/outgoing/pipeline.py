"""What a claimed outgoing message goes through, as one list of named steps.

`OUTGOING` at the end of this module is that list; the pure checks of its first step are `domain.policy.OUTGOING`.
Each step gathers what it needs and may settle the attempt by setting `after`, which ends it. Steps change nothing
that lasts but counters and the suppression list: what is stored about the message is the returned record, written
by the caller.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import TypeVar

from chalicelib.config import Settings
from chalicelib.domain import settle
from chalicelib.domain.classify import Verdict
from chalicelib.domain.eight_bit import seven_bit
from chalicelib.domain.errors import MailError, NotFound
from chalicelib.domain.ids import log_id
from chalicelib.domain.model import (
    Delivery,
    Envelope,
    Message,
    MessageRecord,
    Status,
    Suppression,
    WorkItem,
)
from chalicelib.domain.policy import TOO_MANY_HARD_FAILS, Facts, Fail, Hold, decide
from chalicelib.domain.retry import (
    LOST_REPLY,
    Schedule,
    default_schedule,
    next_wait,
    parse_schedule,
)
from chalicelib.domain.tenancy import Domain, Server, UnknownOutcome
from chalicelib.domain.transmission import Attempted
from chalicelib.ports.clock import Clock
from chalicelib.ports.directory import Directory
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.numbers import Numbers
from chalicelib.ports.rand import Rand
from chalicelib.ports.suppressions import SuppressionList
from chalicelib.ports.volume import SendVolume
from chalicelib.services.outgoing.sign import SealOutgoing
from chalicelib.services.outgoing.smtp_sender import Transmit
from chalicelib.services.outgoing.track_links import TrackLinks
from chalicelib.services.queue.batch import DeliveryBatch
from chalicelib.services.queue.bodies import LARGEST_SPAN, Bodies
from chalicelib.services.queue.outcome import best_effort, log_fields

T = TypeVar("T")

LOG = logging.getLogger("posthorn.outgoing")

DAY = 86_400
LONGEST_DETAILS = 250
INTERNAL_ERROR = (
    "An internal error occurred while sending this message. "
    "This message will be retried automatically."
)
MAY_BE_DELIVERED = (
    "The message was sent, but the server's reply was lost. "
    "It may have been delivered, and is not sent again."
)


@dataclass(slots=True)
class OutgoingAttempt:
    """A claimed message on its way through `OUTGOING`; `number` is the id of the delivery entry to come, `reserved_at`
    when it got its place in the server's hour; `after` is set by the step that settles it."""

    record: MessageRecord
    facts: Facts
    number: int
    reserved_at: float
    bodies: Bodies
    body: bytes = b""
    content: Sequence[bytes] = ()
    envelope: Envelope | None = None
    attempted: Attempted | None = None
    after: MessageRecord | None = None


class SendOutgoing:
    """The steps of `OUTGOING` and what they share."""

    def __init__(  # noqa: PLR0913  # one argument a port
        self,
        *,
        settings: Settings,
        clock: Clock,
        rand: Rand,
        directory: Directory,
        messages: MessageStore,
        suppressions: SuppressionList,
        numbers: Numbers,
        volume: SendVolume,
        track: TrackLinks,
        seal: SealOutgoing,
        transmit: Transmit,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._rand = rand
        self._directory = directory
        self._messages = messages
        self._suppressions = suppressions
        self._numbers = numbers
        self._volume = volume
        self._track = track
        self._seal = seal
        self._transmit = transmit

    async def copies(self, message: Message, batch: DeliveryBatch) -> int:
        """How many copies of the body an attempt makes: one when links are tracked. Signing and sending make none."""
        server = batch.server_of(message)
        if server is None:
            return 0
        domain = await self._directory.verified_domain(server, message.domain)
        if domain is None:
            return 0
        return int(await self._track.makes_a_copy(message, server, domain))

    async def run(
        self, record: MessageRecord, item: WorkItem, batch: DeliveryBatch
    ) -> MessageRecord:
        """Run the steps and return the record to store; anything unforeseen becomes an Error delivery that is tried
        again (contract section 4, step 21), unless the other side already has the message.

        Raises TemporaryFailure only before anything was sent.
        """
        number = (await self._numbers.take(record.message.server_id, "delivery", 1))[0]
        reserved_at = self._clock.now()
        facts = await self._facts(record, item, batch, reserved_at)
        if facts is None:
            why = "Mail server no longer exists"
            gone = Delivery(number, Status.HARD_FAIL, why, self._clock.now(), about_us=True)
            return settle.failed(record, gone)
        attempt = OutgoingAttempt(record, facts, number, reserved_at, batch.bodies)
        try:
            for step in OUTGOING:
                await step(self, attempt)
                if attempt.after is not None:
                    break
        except MailError as error:
            LOG.warning(
                "attempt broke: %s", error.public, extra={"fields": log_fields(record.message)}
            )
        except (
            Exception
        ):  # a defect becomes a retry that people can see, instead of a lease that runs out
            LOG.exception("attempt broke", extra={"fields": log_fields(record.message)})
        after = attempt.after or self._broken(attempt)
        _log(attempt, after)
        return after

    def _broken(self, attempt: OutgoingAttempt) -> MessageRecord:
        """Where a attempt stands whose steps broke off: sent if the other side said so, else tried again."""
        attempted = attempt.attempted
        if attempted is not None and attempted.verdict is Verdict.SENT:
            delivery = self._delivery(attempt, Status.SENT, attempted.details, attempted)
            return settle.sent(attempt.record, delivery)
        delivery = self._delivery(attempt, Status.ERROR, INTERNAL_ERROR)
        return settle.waiting(attempt.record, delivery, self._next_wake(attempt))

    async def _facts(
        self, record: MessageRecord, item: WorkItem, batch: DeliveryBatch, reserved_at: float
    ) -> Facts | None:
        message = record.message
        server = batch.server_of(message)
        if server is None:
            return None
        domain = await self._directory.verified_domain(server, message.domain)
        limited = server.send_limit is not None and record.tries == 0
        place = await self._volume.reserve(server.id, reserved_at) if limited else 1
        return Facts(
            server=server,
            domain=domain,
            suppression=batch.suppression_of(message),
            sent_last_hour=place - 1,
            max_attempts=self._max_attempts(server),
            manual=item.manual,
        )

    def _max_attempts(self, server: Server) -> int:
        if server.retry_schedule is None:
            return self._settings.max_attempts
        return len(parse_schedule(server.retry_schedule).waits) + 1

    def _schedule(self, server: Server) -> Schedule:
        if server.retry_schedule is None:
            return default_schedule(self._settings.max_attempts)
        return parse_schedule(server.retry_schedule)

    async def decide(self, attempt: OutgoingAttempt) -> None:
        """The pure checks of `domain.policy.OUTGOING`."""
        decision = decide(attempt.record, attempt.facts)
        if isinstance(decision, Hold):
            attempt.after = self._held(attempt, decision.details)
        elif isinstance(decision, Fail):
            attempt.after = await self._failed(attempt, decision)
        if attempt.after is not None and _is_counted(attempt):
            await best_effort(self._volume.give_back(attempt.facts.server.id, attempt.reserved_at))

    async def load(self, attempt: OutgoingAttempt) -> None:
        """Read the stored bytes."""
        try:
            attempt.body = await attempt.bodies.get(attempt.record.message.blob)
        except NotFound:
            fail = Fail("Raw message has been removed. Cannot send message.")
            attempt.after = await self._failed(attempt, fail)

    async def track(self, attempt: OutgoingAttempt) -> None:
        """Replace links and add the open image, before anything is signed."""
        domain = _domain(attempt)
        attempt.record, attempt.body = await self._track.track(
            attempt.record, attempt.body, attempt.facts.server, domain
        )

    async def seal(self, attempt: OutgoingAttempt) -> None:
        """Choose the envelope, prepend our fields, sign."""
        domain = _domain(attempt)
        sealed = await self._seal.seal(attempt.record.message, attempt.body, domain)
        attempt.envelope, attempt.content = sealed.envelope, sealed.content

    async def send(self, attempt: OutgoingAttempt) -> None:
        """Hand the message to a receiving server."""
        if attempt.envelope is None:
            raise RuntimeError("send comes after seal")
        message, tries = attempt.record.message, attempt.record.tries
        async with AsyncExitStack() as room:

            async def converted() -> Sequence[bytes] | None:
                if len(attempt.body) > LARGEST_SPAN:
                    await room.enter_async_context(attempt.bodies.more(len(attempt.body) * 3 // 2))
                body = seven_bit(attempt.body)
                if body is None:
                    return None
                return (await self._seal.seal(message, body, _domain(attempt))).content

            attempt.attempted = await self._transmit.deliver(
                message, attempt.envelope, attempt.content, tries, converted
            )

    async def outcome(self, attempt: OutgoingAttempt) -> None:
        """Turn what the other side said into the record's next state."""
        attempted = attempt.attempted
        if attempted is None:
            raise RuntimeError("outcome comes after send")
        if attempted.verdict is Verdict.SENT:
            attempt.after = await self._sent(attempt, attempted)
        elif attempted.verdict is Verdict.HARD:
            attempt.after = await self._refused_for_good(attempt, attempted)
        else:
            attempt.after = await self._soft(attempt, attempted)

    async def _sent(self, attempt: OutgoingAttempt, attempted: Attempted) -> MessageRecord:
        message, details = attempt.record.message, attempted.details
        listed = attempt.facts.suppression is not None
        if listed and await best_effort(
            self._suppressions.remove(message.server_id, message.rcpt_to)
        ):
            details = f"{details.removesuffix('.')}. Recipient removed from suppression list"
        delivery = self._delivery(attempt, Status.SENT, details, attempted)
        return settle.sent(attempt.record, delivery)

    async def _refused_for_good(
        self, attempt: OutgoingAttempt, attempted: Attempted
    ) -> MessageRecord:
        message, details = attempt.record.message, attempted.details
        if not attempted.about_us and await best_effort(self._failed_before(message)):
            await best_effort(self._suppress(message, TOO_MANY_HARD_FAILS))
            added = f"Recipient added to suppression list ({TOO_MANY_HARD_FAILS})"
            details = f"{details.removesuffix('.')}. {added}"
        delivery = self._delivery(attempt, Status.HARD_FAIL, details, attempted)
        return settle.failed(attempt.record, delivery)

    async def _failed_before(self, message: Message) -> bool:
        since = self._clock.now() - DAY
        return await self._messages.hard_fails(message.server_id, message.rcpt_to, since) > 0

    async def _soft(self, attempt: OutgoingAttempt, attempted: Attempted) -> MessageRecord:
        if not attempted.outcome_unknown:
            delivery = self._delivery(attempt, Status.SOFT_FAIL, attempted.details, attempted)
            wake_at = self._next_wake(attempt, attempted.retry_hint)
            return settle.waiting(attempt.record, delivery, wake_at)
        server = attempt.facts.server
        if server.unknown_outcome is UnknownOutcome.HOLD:
            return self._held(attempt, attempted.details, attempted)
        return self._reply_lost(attempt, attempted)

    def _reply_lost(self, attempt: OutgoingAttempt, attempted: Attempted) -> MessageRecord:
        """Nobody knows whether the message arrived: try again later and less often than after a refusal, and end
        with words that say so (ADR 24)."""
        record = attempt.record
        wait = next_wait(LOST_REPLY, record.lost_replies, self._rand.uniform())
        if wait is None or record.tries + 1 >= attempt.facts.max_attempts:
            delivery = self._delivery(attempt, Status.HARD_FAIL, MAY_BE_DELIVERED, attempted)
            return settle.failed(record, replace(delivery, about_us=True))
        delivery = self._delivery(attempt, Status.SOFT_FAIL, attempted.details, attempted)
        wake_at = max(self._next_wake(attempt), int(self._clock.now()) + wait)
        return settle.waiting(record, delivery, wake_at, reply_lost=True)

    def _next_wake(self, attempt: OutgoingAttempt, hint: int | None = None) -> int:
        """When to try again: the remote's hint, else the schedule; at once when the schedule has run out, because the
        next attempt only records that."""
        schedule = self._schedule(attempt.facts.server)
        wait = hint
        if wait is None:
            wait = next_wait(schedule, attempt.record.tries, self._rand.uniform())
        return int(self._clock.now()) + (wait or 0)

    def _held(
        self, attempt: OutgoingAttempt, details: str, attempted: Attempted | None = None
    ) -> MessageRecord:
        delivery = self._delivery(attempt, Status.HELD, details, attempted)
        expires_at = int(self._clock.now()) + self._settings.hold_days * DAY
        return settle.held(attempt.record, delivery, expires_at)

    async def _failed(self, attempt: OutgoingAttempt, fail: Fail) -> MessageRecord:
        if fail.suppress is not None:
            await self._suppress(attempt.record.message, fail.suppress)
        delivery = self._delivery(attempt, Status.HARD_FAIL, fail.details)
        return settle.failed(attempt.record, delivery)

    async def _suppress(self, message: Message, reason: str) -> None:
        now = self._clock.now()
        keep_until = int(now) + self._settings.suppression_days * DAY
        entry = Suppression(message.rcpt_to, reason, now, keep_until)
        await self._suppressions.add(message.server_id, entry)

    def _delivery(
        self,
        attempt: OutgoingAttempt,
        status: Status,
        details: str,
        attempted: Attempted | None = None,
    ) -> Delivery:
        """A log entry about now; one without a conversation has neither log id nor time (contract section 2.5)."""
        now = self._clock.now()
        details = details[:LONGEST_DETAILS]
        if attempted is None:
            # What fails without a conversation says nothing of the recipient.
            about_us = status in (Status.HARD_FAIL, Status.ERROR)
            return Delivery(attempt.number, status, details, now, about_us=about_us)
        return Delivery(
            id=attempt.number,
            status=status,
            details=details,
            at=now,
            output=attempted.output,
            sent_with_ssl=attempted.sent_with_ssl,
            log_id=log_id(self._rand.bytes(8)),
            seconds=round(attempted.seconds, 2),
            tls=attempted.tls,
            source=attempted.source,
            remote=attempted.remote,
            about_us=attempted.about_us,
        )


Step = Callable[[SendOutgoing, OutgoingAttempt], Awaitable[None]]

OUTGOING: tuple[Step, ...] = (
    SendOutgoing.decide,
    SendOutgoing.load,
    SendOutgoing.track,
    SendOutgoing.seal,
    SendOutgoing.send,
    SendOutgoing.outcome,
)


def _domain(attempt: OutgoingAttempt) -> Domain:
    domain = attempt.facts.domain
    if domain is None:
        raise RuntimeError("decide lets no message without a domain through")
    return domain


def _is_counted(attempt: OutgoingAttempt) -> bool:
    """Whether the message has a place among those that the server's limit counts: retries have none (QUIRK-16)."""
    return attempt.facts.server.send_limit is not None and attempt.record.tries == 0


def _log(attempt: OutgoingAttempt, after: MessageRecord) -> None:
    seconds = attempt.attempted.seconds if attempt.attempted else 0.0
    fields = log_fields(after.message) | {
        "attempt": attempt.record.attempt,
        "outcome": after.status.value,
        "ms": round(seconds * 1000),
    }
    LOG.info("attempt", extra={"fields": fields})
