"""What is known of a message before it may be sent, and the one check that needs more than to know: the hourly limit.

The other checks are pure functions of `chalicelib.domain.outgoing.policy`. Reading facts writes nothing.
"""

from __future__ import annotations

from dataclasses import replace

from chalicelib.config import Settings
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.model import DeliveryJob, MessageRecord
from chalicelib.domain.outgoing import policy
from chalicelib.domain.outgoing.policy import Decision, Facts
from chalicelib.domain.outgoing.retry import parse_schedule
from chalicelib.domain.tenancy.entities import Server
from chalicelib.ports.clock import Clock
from chalicelib.ports.send_rate import SendRate
from chalicelib.services.outgoing.attempt import OutgoingAttempt
from chalicelib.services.queue.batch import DeliveryBatch
from chalicelib.services.queue.outcome import best_effort
from chalicelib.services.tenancy.directory import Directory


class LimitUnknown(TemporaryFailure):
    """The server's hour cannot be counted at present: nothing was done, and the wake-up comes back."""


class ReadFacts:
    """Gathers what the checks need."""

    def __init__(self, settings: Settings, directory: Directory) -> None:
        self._settings = settings
        self._directory = directory

    async def read(
        self, record: MessageRecord, job: DeliveryJob, batch: DeliveryBatch
    ) -> Facts | None:
        """The facts about a claimed message; None when its mail server no longer exists. Raises TemporaryFailure."""
        server = batch.server_of(record.message)
        if server is None:
            return None
        return Facts(
            server=server,
            domain=await self._directory.verified_domain(server, record.message.origin.domain),
            suppression=batch.suppression_of(record.message),
            max_attempts=self._max_attempts(server),
            manual=job.manual,
        )

    def _max_attempts(self, server: Server) -> int:
        if server.retry_schedule is None:
            return self._settings.max_attempts
        return len(parse_schedule(server.retry_schedule).waits) + 1


class SendLimit:
    """The step that takes a place in the server's hour, for a first attempt of a server with a limit."""

    def __init__(self, clock: Clock, volume: SendRate) -> None:
        self._clock = clock
        self._volume = volume

    async def run(self, attempt: OutgoingAttempt) -> Decision | None:
        """Reserve a place, then `policy.send_limit`. Raises LimitUnknown."""
        if not policy.is_counted(attempt.record, attempt.facts):
            return None
        now = self._clock.now()
        try:
            place = await self._volume.reserve(attempt.facts.server.id, now)
        except TemporaryFailure as away:
            raise LimitUnknown(away.public) from away
        attempt.reserved_at = now
        attempt.facts = replace(attempt.facts, sent_last_hour=place - 1)
        return policy.send_limit(attempt.record, attempt.facts)

    async def give_back(self, attempt: OutgoingAttempt) -> None:
        """Give a reserved place back, because nothing was sent."""
        if attempt.reserved_at is not None:
            server = attempt.facts.server.id
            await best_effort(self._volume.give_back(server, attempt.reserved_at))
