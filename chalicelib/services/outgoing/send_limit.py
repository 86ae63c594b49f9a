"""The one check that needs more than to know the facts: the hourly limit of a server.

The other checks are pure functions of `chalicelib.domain.outgoing.checks`.
"""

from __future__ import annotations

from dataclasses import replace

from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.outgoing import checks
from chalicelib.domain.outgoing.checks import Decision
from chalicelib.ports.clock import Clock
from chalicelib.ports.send_rate import SendRate
from chalicelib.services.outgoing.attempt import OutgoingAttempt
from chalicelib.services.queue.store_outcome import best_effort


class LimitUnknown(TemporaryFailure):
    """The server's hour cannot be counted at present: nothing was done, and the wake-up comes back."""


class SendLimit:
    """The step that takes a place in the server's hour, for a first attempt of a server with a limit."""

    def __init__(self, clock: Clock, rate: SendRate) -> None:
        self._clock = clock
        self._rate = rate

    async def run(self, attempt: OutgoingAttempt) -> Decision | None:
        """Reserve a place, then `checks.send_limit`. Raises LimitUnknown."""
        if not checks.is_counted(attempt.record, attempt.facts):
            return None
        now = self._clock.now()
        try:
            place = await self._rate.reserve(attempt.facts.server.id, now)
        except TemporaryFailure as away:
            raise LimitUnknown(away.public) from away
        attempt.reserved_at = now
        attempt.facts = replace(attempt.facts, sent_last_hour=place - 1)
        return checks.send_limit(attempt.record, attempt.facts)

    async def give_back(self, attempt: OutgoingAttempt) -> None:
        """Give a reserved place back, because nothing was sent."""
        if attempt.reserved_at is not None:
            server = attempt.facts.server.id
            await best_effort(self._rate.give_back(server, attempt.reserved_at))
