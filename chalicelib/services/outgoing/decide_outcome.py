"""What the end of an outgoing attempt makes of the record."""

from __future__ import annotations

from chalicelib.domain.model import MessageRecord, Status
from chalicelib.domain.outgoing.checks import Decision, Hold, TryLater
from chalicelib.domain.smtp.attempt_result import AttemptResult
from chalicelib.domain.smtp.classify import Verdict
from chalicelib.services.outgoing.attempt import OutgoingAttempt
from chalicelib.services.outgoing.attempt_end import AttemptEnd


class DecideOutcome:
    """The last step, and the ends of attempts that do not get so far."""

    def __init__(self, end: AttemptEnd) -> None:
        self._end = end

    async def run(self, attempt: OutgoingAttempt) -> None:
        """Turn what the other side said into the record's next state."""
        result = attempt.answered
        attempt.after = self._end.concluded(attempt, result, _noted(attempt, result))

    def decided(self, attempt: OutgoingAttempt, decision: Decision) -> MessageRecord:
        """The end of a message that a check, or its missing body, kept from being sent."""
        if isinstance(decision, Hold):
            return self._end.held(attempt, decision.details, limit=decision.limit)
        if isinstance(decision, TryLater):
            later = AttemptResult(Verdict.SOFT, decision.details, about_us=True)
            return self._end.concluded(attempt, later, later.details)
        return self._end.decided(attempt, Status.HARD_FAIL, decision.details)

    def broken(self, attempt: OutgoingAttempt) -> MessageRecord:
        """Where an attempt stands whose steps broke off."""
        result = attempt.result
        details = _noted(attempt, result) if result is not None else ""
        return self._end.broken(attempt, result, details)


def _noted(attempt: OutgoingAttempt, result: AttemptResult) -> str:
    """What the other side said, and what followed for the suppression list."""
    if not attempt.note:
        return result.details
    return f"{result.details.removesuffix('.')}. {attempt.note}"
