"""What a claimed outgoing message goes through: the steps of `STEPS`, in their order.

A function is a pure check of the record and the facts; a class is a step that reads or writes through ports. The first
decision, Hold, Fail or TryLater, ends the attempt before anything is sent. Steps change nothing that lasts but kept
links, counters and the suppression list: what is stored about the message is the returned record, written by the
caller.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from chalicelib.domain.errors import MailError
from chalicelib.domain.mail.mailbox import domain_of
from chalicelib.domain.model import DeliveryJob, Message, MessageRecord
from chalicelib.domain.outgoing import checks
from chalicelib.domain.outgoing.checks import Check, Decision, Fail, TryLater
from chalicelib.ports.numbers import Numbers
from chalicelib.services.outgoing.attempt import OutgoingAttempt, Step
from chalicelib.services.outgoing.decide_outcome import DecideOutcome
from chalicelib.services.outgoing.inspect import Inspect
from chalicelib.services.outgoing.load_body import LoadBody
from chalicelib.services.outgoing.rate_limit import RateLimit
from chalicelib.services.outgoing.read_facts import ReadFacts
from chalicelib.services.outgoing.report_failure import ReportFailure
from chalicelib.services.outgoing.send_limit import LimitUnknown, SendLimit
from chalicelib.services.outgoing.sign import Sign
from chalicelib.services.outgoing.suppressions import UpdateSuppressions
from chalicelib.services.outgoing.track_links import TrackLinks
from chalicelib.services.outgoing.transmit import Transmit
from chalicelib.services.queue.batch import DeliveryBatch
from chalicelib.services.queue.store_outcome import log_fields
from chalicelib.services.queue.turns import Share

STEPS: tuple[Check | type[Step], ...] = (
    checks.server_suspended,
    checks.attempts_exhausted,
    checks.outcome_unknown,
    checks.domain_still_ours,
    checks.recipient_present,
    checks.credential_hold,
    checks.recipient_suppressed,
    Inspect,
    RateLimit,
    SendLimit,
    checks.development_mode,
    LoadBody,
    TrackLinks,
    Sign,
    Transmit,
    UpdateSuppressions,
    DecideOutcome,
)
SLOW_OF_A_SERVER = 100

LOG = logging.getLogger("posthorn.outgoing")


class SendOutgoing:
    """The carrier of outgoing mail."""

    def __init__(  # noqa: PLR0913  # one argument a step
        self,
        *,
        numbers: Numbers,
        facts: ReadFacts,
        inspect: Inspect,
        rate: RateLimit,
        limit: SendLimit,
        load: LoadBody,
        track: TrackLinks,
        sign: Sign,
        transmit: Transmit,
        suppressions: UpdateSuppressions,
        outcome: DecideOutcome,
        report: ReportFailure,
    ) -> None:
        self._numbers = numbers
        self._facts = facts
        self._limit = limit
        self._track = track
        self._suppressions = suppressions
        self._outcome = outcome
        self._report = report
        steps = (inspect, rate, limit, load, track, sign, transmit, suppressions, outcome)
        self._acting: dict[type, Step] = {type(step): step for step in steps}

    async def copies(self, message: Message, batch: DeliveryBatch) -> int:
        """How many copies of the body an attempt makes: one when links are tracked. Signing and sending make none."""
        return int(await self._track.makes_a_copy(message, batch.server_of(message)))

    def lane(self, message: Message) -> str:
        """Mail for one domain, for whose server a connection is kept."""
        return domain_of(message.rcpt_to)

    def shares(self, message: Message) -> Sequence[Share]:
        """Of the ways out a pool's servers have in common, one keeps a part alone."""
        return (Share(f"out {message.origin.pool} {message.server_id}", SLOW_OF_A_SERVER),)

    async def run(
        self, record: MessageRecord, job: DeliveryJob, batch: DeliveryBatch
    ) -> MessageRecord:
        """Go through the steps and return the record to store; anything unforeseen becomes an Error delivery that is
        tried again, unless the other side already has the message.

        Raises TemporaryFailure only before anything was sent.
        """
        number = (await self._numbers.take(record.message.server_id, "delivery", 1))[0]
        facts = await self._facts.read(record, job, batch)
        attempt = OutgoingAttempt(record, facts, number, batch.bodies)
        fields = log_fields(record.message)
        try:
            await self._go_through(attempt)
            await self._report.run(attempt)
        except LimitUnknown:
            raise
        except MailError as error:
            LOG.warning("attempt broke: %s", error.public, extra={"fields": fields})
        except (
            Exception
        ):  # a defect becomes a retry that people can see, instead of a lease that runs out
            LOG.exception("attempt broke", extra={"fields": fields})
        after = attempt.after or self._outcome.broken(attempt)
        _log(attempt, after)
        return after

    async def _go_through(self, attempt: OutgoingAttempt) -> None:
        for step in STEPS:
            if isinstance(step, type):
                decision = await self._acting[step].run(attempt)
            else:
                decision = step(attempt.record, attempt.facts)
            if decision is not None:
                return await self._end(attempt, decision)

    async def _end(self, attempt: OutgoingAttempt, decision: Decision) -> None:
        """The attempt is over, and nothing was sent."""
        if isinstance(decision, Fail) and decision.suppress is not None:
            await self._suppressions.add(attempt, decision.suppress)
        if not isinstance(decision, TryLater):  # which keeps its place for then
            await self._limit.give_back(attempt)
        attempt.after = self._outcome.decided(attempt, decision)


def _log(attempt: OutgoingAttempt, after: MessageRecord) -> None:
    seconds = attempt.result.seconds if attempt.result else 0.0
    fields = log_fields(after.message) | {
        "attempt": attempt.record.attempt,
        "outcome": after.status.value,
        "ms": round(seconds * 1000),
    }
    LOG.info("attempt", extra={"fields": fields})
