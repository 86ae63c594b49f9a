"""How the end of an attempt, of either direction, stands in its record: sent, given up, held, or waiting for another
try.

Each end is a record to store, with an entry in the delivery log. Nothing is stored here, and nothing sent.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Protocol

from chalicelib.config import Settings
from chalicelib.domain import lifecycle
from chalicelib.domain.conversations import with_conversation
from chalicelib.domain.durations import DAY
from chalicelib.domain.ids import log_id
from chalicelib.domain.limit_hold import LimitHold
from chalicelib.domain.model import Delivery, MessageRecord, Status
from chalicelib.domain.outgoing.retry import (
    LOST_REPLY,
    Schedule,
    attempts_of,
    next_wait,
    schedule_of,
)
from chalicelib.domain.smtp.attempt_result import AttemptResult
from chalicelib.domain.smtp.classify import Verdict
from chalicelib.domain.tenancy.servers import Server, UnknownOutcome
from chalicelib.ports.clock import Clock
from chalicelib.ports.rand import Rand

LONGEST_DETAILS = 250
INTERNAL_ERROR = (
    "An internal error occurred while sending this message. "
    "This message will be retried automatically."
)
MAY_BE_DELIVERED = (
    "The message was sent, but the server's reply was lost. "
    "It may have been delivered, and is not sent again."
)


class FactsOfAttempt(Protocol):
    """What is known of a message of either direction."""

    @property
    def server(self) -> Server:
        """Whose message it is."""

    @property
    def max_attempts(self) -> int:
        """How often it is tried."""


class Attempt(Protocol):
    """An attempt of either direction; `number` is the id of the delivery entry to come."""

    number: int

    @property
    def record(self) -> MessageRecord:
        """The message as it was claimed."""

    @property
    def facts(self) -> FactsOfAttempt:
        """What is known of it."""


class AttemptEnd:
    """The ends of attempts."""

    def __init__(self, settings: Settings, clock: Clock, rand: Rand) -> None:
        self._settings = settings
        self._clock = clock
        self._rand = rand

    def max_attempts(self, server: Server) -> int:
        """How often a message of this server is tried."""
        return attempts_of(server.retry_schedule, self._settings.max_attempts)

    def concluded(self, attempt: Attempt, result: AttemptResult, details: str) -> MessageRecord:
        """What the other side said, in these words if that is final."""
        if result.verdict is Verdict.SENT:
            return self._done(attempt, Status.SENT, details, result)
        if result.verdict is Verdict.HARD:
            return self._done(attempt, Status.HARD_FAIL, details, result)
        if result.outcome_unknown:
            return self._reply_lost(attempt, result)
        return self._deferred(attempt, result)

    def decided(self, attempt: Attempt, status: Status, details: str) -> MessageRecord:
        """The message is done with, and nothing was sent."""
        return self._done(attempt, status, details)

    def held(
        self,
        attempt: Attempt,
        details: str,
        result: AttemptResult | None = None,
        limit: LimitHold | None = None,
    ) -> MessageRecord:
        """The message waits for a person, or for the limit that holds it: that hold does not expire."""
        delivery = self._delivery(attempt, Status.HELD, details, result)
        if limit is not None:
            return lifecycle.held(attempt.record, delivery, None, limit)
        expires_at = int(self._clock.now()) + self._settings.hold_days * DAY
        return lifecycle.held(attempt.record, delivery, expires_at)

    def broken(
        self,
        attempt: Attempt,
        result: AttemptResult | None,
        details: str = "",
        least_wait: int = 0,
    ) -> MessageRecord:
        """Where an attempt stands whose steps broke off: sent if the other side said so, else tried again (contract
        section 4, step 21), in `least_wait` seconds or later."""
        if result is not None and result.verdict is Verdict.SENT:
            return self._done(attempt, Status.SENT, details or result.details, result)
        delivery = self._delivery(attempt, Status.ERROR, INTERNAL_ERROR)
        wake_at = max(self._next_wake(attempt), self._in(least_wait))
        return lifecycle.waiting(attempt.record, delivery, wake_at)

    def _done(
        self, attempt: Attempt, status: Status, details: str, result: AttemptResult | None = None
    ) -> MessageRecord:
        delivery = self._delivery(attempt, status, details, result)
        return lifecycle.done(attempt.record, delivery)

    def _deferred(self, attempt: Attempt, result: AttemptResult) -> MessageRecord:
        delivery = self._delivery(attempt, Status.SOFT_FAIL, result.details, result)
        wake_at = self._next_wake(attempt, result.retry_hint)
        wake_at = max(wake_at, self._in(result.least_wait))
        return lifecycle.waiting(attempt.record, delivery, wake_at)

    def _reply_lost(self, attempt: Attempt, result: AttemptResult) -> MessageRecord:
        """Nobody knows whether the message arrived: ask a person if the server wants that, else try again later and
        less often than after a refusal, and end with words that say so (ADR 24)."""
        if attempt.facts.server.unknown_outcome is UnknownOutcome.HOLD:
            return self.held(attempt, result.details, result)
        record = attempt.record
        wait = next_wait(LOST_REPLY, record.lost_replies, self._rand.uniform())
        if wait is None or record.tries + 1 >= attempt.facts.max_attempts:
            delivery = self._delivery(attempt, Status.HARD_FAIL, MAY_BE_DELIVERED, result)
            return lifecycle.done(record, replace(delivery, about_us=True))
        delivery = self._delivery(attempt, Status.SOFT_FAIL, result.details, result)
        wake_at = max(self._next_wake(attempt), self._in(wait))
        return lifecycle.waiting(record, delivery, wake_at, reply_lost=True)

    def _next_wake(self, attempt: Attempt, hint: int | None = None) -> int:
        """When to try again: the remote's hint, else the schedule; at once when the schedule has run out, because the
        next attempt only records that."""
        wait = hint
        if wait is None:
            schedule = self._schedule(attempt.facts.server)
            wait = next_wait(schedule, attempt.record.tries, self._rand.uniform())
        return self._in(wait or 0)

    def _in(self, seconds: int) -> int:
        """The whole second that comes so much later, and never sooner than was asked for."""
        return math.ceil(self._clock.now()) + seconds if seconds else int(self._clock.now())

    def _schedule(self, server: Server) -> Schedule:
        return schedule_of(server.retry_schedule, self._settings.max_attempts)

    def _delivery(
        self,
        attempt: Attempt,
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
        delivery = Delivery(
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
            cause=None if status is Status.SENT else result.cause or None,
        )
        return with_conversation(delivery, attempt.record.message, result.heard)
