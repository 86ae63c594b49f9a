"""Reading what an incoming message says."""

from __future__ import annotations

from chalicelib.domain.decision_texts import REMOVED
from chalicelib.domain.errors import NotFound
from chalicelib.domain.incoming.checks import Decision, Fail
from chalicelib.services.incoming.attempt import IncomingAttempt


class LoadBody:
    """The step that reads the message as it was accepted, which neighbours in the batch share."""

    async def run(self, attempt: IncomingAttempt) -> Decision | None:
        """Fails a message whose content was removed. Raises TemporaryFailure."""
        try:
            attempt.stored = await attempt.bodies.get(attempt.record.message.blob)
        except NotFound:
            return Fail(REMOVED)
        attempt.content = attempt.stored
        return None
