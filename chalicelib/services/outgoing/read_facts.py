"""What is known of a message before it may be sent. Reading facts writes nothing."""

from __future__ import annotations

from chalicelib.domain.model import DeliveryJob, MessageRecord
from chalicelib.domain.outgoing.checks import Facts
from chalicelib.services.for_postmaster import ForPostmaster
from chalicelib.services.outgoing.attempt_end import AttemptEnd
from chalicelib.services.queue.batch import DeliveryBatch
from chalicelib.services.tenancy.directory import Directory
from chalicelib.services.tenancy.system_server import SystemServer


class ReadFacts:
    """Gathers what the checks need."""

    def __init__(
        self,
        end: AttemptEnd,
        directory: Directory,
        postmaster: ForPostmaster,
        system: SystemServer,
    ) -> None:
        self._end = end
        self._directory = directory
        self._system = system
        self._postmaster = postmaster

    async def read(self, record: MessageRecord, job: DeliveryJob, batch: DeliveryBatch) -> Facts:
        """The facts about a claimed message. Raises TemporaryFailure."""
        server, origin = batch.server_of(record.message), record.message.origin
        owner = await self._system.whose_domains(server, origin.credential_id)
        return Facts(
            server=server,
            domain=await self._directory.verified_domain_now(owner, origin.domain),
            suppression=batch.suppression_of(record.message),
            max_attempts=self._end.max_attempts(server),
            manual=job.manual or record.released,
            for_postmaster=self._postmaster.is_for(record.message),
        )
