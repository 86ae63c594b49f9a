"""Reading what an incoming message says."""

from __future__ import annotations

from chalicelib.domain.decision_texts import REMOVED
from chalicelib.domain.errors import NotFound
from chalicelib.domain.incoming.checks import Decision, Fail
from chalicelib.ports.messages import MessageStore
from chalicelib.services.incoming.attempt import IncomingAttempt
from chalicelib.services.queue.read_body import read_body


class LoadBody:
    """The step that reads the message as it was accepted, which neighbours in the batch share."""

    def __init__(self, messages: MessageStore) -> None:
        self._messages = messages

    async def run(self, attempt: IncomingAttempt) -> Decision | None:
        """Fails a message whose content was removed. Raises TemporaryFailure."""
        try:
            attempt.stored = await read_body(attempt, self._messages)
        except NotFound:
            return Fail(REMOVED)
        attempt.content = attempt.stored
        return None
