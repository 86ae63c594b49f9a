"""What an attempt means for the suppression list: who is put on it, and who is taken off.

A recipient who was refused for good twice within a day is listed; one who took a message is unlisted. A list that is
away changes nothing about the outcome of the attempt.
"""

from __future__ import annotations

from chalicelib.config import Settings
from chalicelib.domain.durations import DAY
from chalicelib.domain.model import Message
from chalicelib.domain.outgoing.checks import TOO_MANY_HARD_FAILS
from chalicelib.domain.smtp.classify import Verdict
from chalicelib.domain.suppression import Suppression
from chalicelib.ports.clock import Clock
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.suppressions import SuppressionList
from chalicelib.services.outgoing.attempt import OutgoingAttempt
from chalicelib.services.queue.store_outcome import best_effort


class UpdateSuppressions:
    """The step between what the other side said and the outcome."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        messages: MessageStore,
        suppressions: SuppressionList,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._messages = messages
        self._suppressions = suppressions

    async def run(self, attempt: OutgoingAttempt) -> None:
        """List or unlist the recipient, and note it for the delivery entry."""
        result = attempt.answered
        if result.verdict is Verdict.SENT:
            await self._unlist(attempt)
        elif result.verdict is Verdict.HARD and not result.about_us:
            await self._suppress(attempt)

    async def add(self, message: Message, reason: str) -> None:
        """List the recipient of a message. Raises TemporaryFailure."""
        now = self._clock.now()
        keep_until = int(now) + self._settings.suppression_days * DAY
        entry = Suppression(message.rcpt_to, reason, now, keep_until)
        await self._suppressions.add(message.server_id, entry)

    async def _unlist(self, attempt: OutgoingAttempt) -> None:
        message, entry = attempt.record.message, attempt.facts.suppression
        if entry is not None and await best_effort(
            self._suppressions.remove(message.server_id, message.rcpt_to)
        ):
            attempt.note = "Recipient removed from suppression list"

    async def _suppress(self, attempt: OutgoingAttempt) -> None:
        if await best_effort(self._listed(attempt.record.message)):
            attempt.note = f"Recipient added to suppression list ({TOO_MANY_HARD_FAILS})"

    async def _listed(self, message: Message) -> bool:
        """List the recipient if it refused another message within a day; whether that is so."""
        since = self._clock.now() - DAY
        again = await self._messages.hard_fails(message.server_id, message.rcpt_to, since) > 0
        if again:
            await self.add(message, TOO_MANY_HARD_FAILS)
        return again
