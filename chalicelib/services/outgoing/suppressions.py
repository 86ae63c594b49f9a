"""What an attempt means for the suppression list: who is put on it, and who is taken off.

A recipient who was refused for good so often within a day as the server says is listed; one who took a message is
unlisted, unless somebody else than the system wants it listed. A list that is
away changes nothing about the outcome of the attempt.
"""

from __future__ import annotations

from chalicelib.domain.durations import DAY
from chalicelib.domain.smtp.classify import Verdict
from chalicelib.domain.suppression import UNLISTED_BY_DELIVERY, Name, Reason
from chalicelib.ports.clock import Clock
from chalicelib.ports.messages import MessageStore
from chalicelib.services.outgoing.attempt import OutgoingAttempt
from chalicelib.services.queue.store_outcome import best_effort
from chalicelib.services.suppress import SuppressRecipients


class UpdateSuppressions:
    """The step between what the other side said and the outcome."""

    def __init__(
        self,
        clock: Clock,
        messages: MessageStore,
        suppress: SuppressRecipients,
    ) -> None:
        self._clock = clock
        self._messages = messages
        self._suppress = suppress

    async def run(self, attempt: OutgoingAttempt) -> None:
        """List or unlist the recipient, and note it for the delivery entry."""
        result = attempt.answered
        if result.verdict is Verdict.SENT:
            await self._unlist(attempt)
        elif result.verdict is Verdict.HARD and not result.about_us:
            await self._refused(attempt)

    async def add(self, attempt: OutgoingAttempt, reason: Reason) -> None:
        """List the recipient of a message. Raises TemporaryFailure."""
        message = attempt.record.message
        await self._suppress.add(attempt.facts.server, message.rcpt_to, reason, message.id)

    async def _unlist(self, attempt: OutgoingAttempt) -> None:
        if attempt.facts.suppression is not None and await best_effort(self._unlisted(attempt)):
            attempt.note = "Recipient removed from suppression list"

    async def _unlisted(self, attempt: OutgoingAttempt) -> bool:
        """Take the recipient off the server's own list, whichever list stood against it first."""
        message = attempt.record.message
        name = Name(message.rcpt_to)
        gone = await self._suppress.remove(message.server_id, name, UNLISTED_BY_DELIVERY)
        return gone is not None

    async def _refused(self, attempt: OutgoingAttempt) -> None:
        if await best_effort(self._listed(attempt)):
            attempt.note = f"Recipient added to suppression list ({Reason.HARD_FAILS.text})"

    async def _listed(self, attempt: OutgoingAttempt) -> bool:
        """List the recipient if it refused so many messages within a day; whether that is so."""
        message, most = attempt.record.message, attempt.facts.server.suppress_hard_fails
        if not most or attempt.facts.for_postmaster:
            return False
        since = self._clock.now() - DAY
        before = 0
        if most > 1:
            before = await self._messages.hard_fails(message.server_id, message.rcpt_to, since)
        if before + 1 < most:
            return False
        await self.add(attempt, Reason.HARD_FAILS)
        return True
