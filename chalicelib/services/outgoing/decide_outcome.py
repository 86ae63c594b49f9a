"""What the end of an attempt makes of the record: sent, given up, held, or waiting for another try.

Each outcome is a record to store, with an entry in the delivery log. Nothing is stored here.
"""

from __future__ import annotations

from dataclasses import replace

from chalicelib.config import Settings
from chalicelib.domain import lifecycle
from chalicelib.domain.durations import DAY
from chalicelib.domain.ids import log_id
from chalicelib.domain.model import Delivery, MessageRecord, Status
from chalicelib.domain.outgoing.checks import Decision, Hold
from chalicelib.domain.outgoing.retry import (
    LOST_REPLY,
    Schedule,
    default_schedule,
    next_wait,
    parse_schedule,
)
from chalicelib.domain.smtp.attempt_result import AttemptResult
from chalicelib.domain.smtp.classify import Verdict
from chalicelib.domain.tenancy.servers import Server, UnknownOutcome
from chalicelib.ports.clock import Clock
from chalicelib.ports.rand import Rand
from chalicelib.services.outgoing.attempt import OutgoingAttempt

LONGEST_DETAILS = 250
INTERNAL_ERROR = (
    "An internal error occurred while sending this message. "
    "This message will be retried automatically."
)
MAY_BE_DELIVERED = (
    "The message was sent, but the server's reply was lost. "
    "It may have been delivered, and is not sent again."
)


class DecideOutcome:
    """The last step, and the ends of attempts that do not get so far."""

    def __init__(self, settings: Settings, clock: Clock, rand: Rand) -> None:
        self._settings = settings
        self._clock = clock
        self._rand = rand

    async def run(self, attempt: OutgoingAttempt) -> None:
        """Turn what the other side said into the record's next state."""
        result = attempt.answered
        if result.verdict is Verdict.SENT:
            attempt.after = self._done(attempt, result, Status.SENT)
        elif result.verdict is Verdict.HARD:
            attempt.after = self._done(attempt, result, Status.HARD_FAIL)
        elif result.outcome_unknown:
            attempt.after = self._reply_lost(attempt, result)
        else:
            attempt.after = self._deferred(attempt, result)

    def decided(self, attempt: OutgoingAttempt, decision: Decision) -> MessageRecord:
        """The end of a message that a check, or its missing body, kept from being sent."""
        if isinstance(decision, Hold):
            return self._held(attempt, decision.details)
        delivery = self._delivery(attempt, Status.HARD_FAIL, decision.details)
        return lifecycle.done(attempt.record, delivery)

    def broken(self, attempt: OutgoingAttempt) -> MessageRecord:
        """Where an attempt stands whose steps broke off: sent if the other side said so, else tried again (contract
        section 4, step 21)."""
        if attempt.result is not None and attempt.result.verdict is Verdict.SENT:
            return self._done(attempt, attempt.result, Status.SENT)
        delivery = self._delivery(attempt, Status.ERROR, INTERNAL_ERROR)
        return lifecycle.waiting(attempt.record, delivery, self._next_wake(attempt))

    def _done(
        self, attempt: OutgoingAttempt, result: AttemptResult, status: Status
    ) -> MessageRecord:
        delivery = self._delivery(attempt, status, _noted(attempt, result), result)
        return lifecycle.done(attempt.record, delivery)

    def _deferred(self, attempt: OutgoingAttempt, result: AttemptResult) -> MessageRecord:
        delivery = self._delivery(attempt, Status.SOFT_FAIL, result.details, result)
        wake_at = self._next_wake(attempt, result.retry_hint)
        return lifecycle.waiting(attempt.record, delivery, wake_at)

    def _reply_lost(self, attempt: OutgoingAttempt, result: AttemptResult) -> MessageRecord:
        """Nobody knows whether the message arrived: ask a person if the server wants that, else try again later and
        less often than after a refusal, and end with words that say so (ADR 24)."""
        if attempt.facts.server.unknown_outcome is UnknownOutcome.HOLD:
            return self._held(attempt, result.details, result)
        record = attempt.record
        wait = next_wait(LOST_REPLY, record.lost_replies, self._rand.uniform())
        if wait is None or record.tries + 1 >= attempt.facts.max_attempts:
            delivery = self._delivery(attempt, Status.HARD_FAIL, MAY_BE_DELIVERED, result)
            return lifecycle.done(record, replace(delivery, about_us=True))
        delivery = self._delivery(attempt, Status.SOFT_FAIL, result.details, result)
        wake_at = max(self._next_wake(attempt), int(self._clock.now()) + wait)
        return lifecycle.waiting(record, delivery, wake_at, reply_lost=True)

    def _held(
        self, attempt: OutgoingAttempt, details: str, result: AttemptResult | None = None
    ) -> MessageRecord:
        delivery = self._delivery(attempt, Status.HELD, details, result)
        expires_at = int(self._clock.now()) + self._settings.hold_days * DAY
        return lifecycle.held(attempt.record, delivery, expires_at)

    def _next_wake(self, attempt: OutgoingAttempt, hint: int | None = None) -> int:
        """When to try again: the remote's hint, else the schedule; at once when the schedule has run out, because the
        next attempt only records that."""
        wait = hint
        if wait is None:
            schedule = self._schedule(attempt.facts.server)
            wait = next_wait(schedule, attempt.record.tries, self._rand.uniform())
        return int(self._clock.now()) + (wait or 0)

    def _schedule(self, server: Server) -> Schedule:
        if server.retry_schedule is None:
            return default_schedule(self._settings.max_attempts)
        return parse_schedule(server.retry_schedule)

    def _delivery(
        self,
        attempt: OutgoingAttempt,
        status: Status,
        details: str,
        result: AttemptResult | None = None,
    ) -> Delivery:
        """A log entry about now; one without a conversation has neither log id nor time (contract section 2.5)."""
        now = self._clock.now()
        details = details[:LONGEST_DETAILS]
        if result is None:
            # What fails without a conversation says nothing of the recipient.
            about_us = status in (Status.HARD_FAIL, Status.ERROR)
            return Delivery(attempt.number, status, details, now, about_us=about_us)
        return Delivery(
            id=attempt.number,
            status=status,
            details=details,
            at=now,
            output=result.output,
            sent_with_ssl=result.sent_with_ssl,
            log_id=log_id(self._rand.bytes(8)),
            seconds=round(result.seconds, 2),
            tls=result.tls,
            source=result.source,
            remote=result.remote,
            about_us=result.about_us,
        )


def _noted(attempt: OutgoingAttempt, result: AttemptResult) -> str:
    """What the other side said, and what followed for the suppression list."""
    if not attempt.note:
        return result.details
    return f"{result.details.removesuffix('.')}. {attempt.note}"
