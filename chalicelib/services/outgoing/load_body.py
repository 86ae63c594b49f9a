"""Reading the stored bytes of a message that may be sent."""

from __future__ import annotations

from chalicelib.domain.decision_texts import REMOVED
from chalicelib.domain.errors import NotFound
from chalicelib.domain.outgoing.checks import Decision, Fail
from chalicelib.services.outgoing.attempt import OutgoingAttempt


class LoadBody:
    """The step that reads the body, which neighbours in the batch share."""

    async def run(self, attempt: OutgoingAttempt) -> Decision | None:
        """Fails a message whose body was removed. Raises TemporaryFailure."""
        try:
            attempt.body = await attempt.bodies.get(attempt.record.message.blob)
        except NotFound:
            return Fail(REMOVED)
        return None
