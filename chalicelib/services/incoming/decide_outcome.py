"""What the end of an incoming attempt makes of the record, and of its sender, who is told when it failed for good."""

from __future__ import annotations

from chalicelib.domain.incoming.checks import SENT_BOUNCE, Decision, Fail, Hold
from chalicelib.domain.model import MessageRecord, Status
from chalicelib.domain.smtp.classify import Verdict
from chalicelib.services.incoming.attempt import IncomingAttempt
from chalicelib.services.incoming.tell_sender import TellSender
from chalicelib.services.outgoing.attempt_end import AttemptEnd

LEAST_WAIT = 300


class DecideOutcome:
    """The last step, and the ends of attempts that do not get so far."""

    def __init__(self, end: AttemptEnd, sender: TellSender) -> None:
        self._end = end
        self._sender = sender

    async def run(self, attempt: IncomingAttempt) -> None:
        """Turn what the endpoint said into the record's next state. Raises TemporaryFailure when a bounce that is due
        cannot be stored."""
        said = attempt.said
        if said is None:
            raise RuntimeError("this step comes after the endpoint's")
        details = said.result.details
        if said.result.verdict is Verdict.HARD and said.bounces:
            details = await self._sender.told(attempt, details, SENT_BOUNCE, said.result)
        attempt.after = self._end.concluded(attempt, said.result, details)

    async def decided(self, attempt: IncomingAttempt, decision: Decision) -> MessageRecord:
        """The end of a message that a check or a step kept from its endpoint. Raises TemporaryFailure."""
        if isinstance(decision, Hold):
            return self._end.held(attempt, decision.details, limit=decision.limit)
        if not isinstance(decision, Fail):
            return self._end.decided(attempt, Status.PROCESSED, decision.details)
        details = decision.details
        if decision.bounces:
            details = await self._sender.told(attempt, details, decision.notice)
        return self._end.decided(attempt, Status.HARD_FAIL, details)

    def broken(self, attempt: IncomingAttempt) -> MessageRecord:
        """Where an attempt stands whose steps broke off."""
        # The schedule has no wait for an attempt after the last, which breaks off when its bounce cannot be stored.
        result = attempt.said.result if attempt.said else None
        return self._end.broken(attempt, result, least_wait=LEAST_WAIT)
