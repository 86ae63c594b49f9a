"""Reading the stored bytes of a message that may be sent."""

from __future__ import annotations

from chalicelib.domain.decision_texts import REMOVED
from chalicelib.domain.errors import NotFound
from chalicelib.domain.outgoing.checks import Decision, Fail
from chalicelib.ports.messages import MessageStore
from chalicelib.services.outgoing.attempt import OutgoingAttempt
from chalicelib.services.queue.read_body import read_body


class LoadBody:
    """The step that reads the body, which neighbours in the batch share."""

    def __init__(self, messages: MessageStore) -> None:
        self._messages = messages

    async def run(self, attempt: OutgoingAttempt) -> Decision | None:
        """Fails a message whose body was removed. Raises TemporaryFailure."""
        try:
            attempt.body = await read_body(attempt, self._messages)
        except NotFound:
            return Fail(REMOVED)
        return None
