"""What is known of an incoming message before it may be handed on. Reading facts writes nothing."""

from __future__ import annotations

from chalicelib.domain.incoming.checks import Facts
from chalicelib.domain.model import DeliveryJob, MessageRecord
from chalicelib.domain.tenancy.servers import Server
from chalicelib.services.outgoing.attempt_end import AttemptEnd
from chalicelib.services.queue.batch import DeliveryBatch
from chalicelib.services.tenancy.directory import Directory


class ReadFacts:
    """Gathers what the checks need."""

    def __init__(self, end: AttemptEnd, directory: Directory) -> None:
        self._end = end
        self._directory = directory

    async def read(self, record: MessageRecord, job: DeliveryJob, batch: DeliveryBatch) -> Facts:
        """The facts about a claimed message. Raises TemporaryFailure."""
        return await self.of(
            record, batch.server_of(record.message), manual=job.manual or record.released
        )

    async def of(self, record: MessageRecord, server: Server, *, manual: bool) -> Facts:
        """The facts about any message of a server. Raises TemporaryFailure."""
        way = record.way
        route, endpoint = None, None
        if way.route_id:
            route = await self._directory.route(server.id, way.route_id)
        if way.endpoint_id:
            endpoint = await self._directory.endpoint(server.id, way.endpoint_id)
        return Facts(
            server=server,
            route=route,
            endpoint=endpoint,
            max_attempts=self._end.max_attempts(server),
            manual=manual,
        )
