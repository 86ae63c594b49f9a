"""What is known of a message before it may be sent. Reading facts writes nothing."""

from __future__ import annotations

from chalicelib.config import Settings
from chalicelib.domain.model import DeliveryJob, MessageRecord
from chalicelib.domain.outgoing.checks import Facts
from chalicelib.domain.outgoing.retry import parse_schedule
from chalicelib.domain.tenancy.servers import Server
from chalicelib.services.queue.batch import DeliveryBatch
from chalicelib.services.tenancy.directory import Directory


class ReadFacts:
    """Gathers what the checks need."""

    def __init__(self, settings: Settings, directory: Directory) -> None:
        self._settings = settings
        self._directory = directory

    async def read(self, record: MessageRecord, job: DeliveryJob, batch: DeliveryBatch) -> Facts:
        """The facts about a claimed message. Raises TemporaryFailure."""
        server = batch.server_of(record.message)
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
