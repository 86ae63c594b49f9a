"""How the tables, the bucket and the queues are: each is asked for something that costs little."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from chalicelib.adapters.aws.dynamo.table import Table
from chalicelib.adapters.aws.s3 import S3BlobStore
from chalicelib.adapters.aws.session import AwsSession
from chalicelib.adapters.aws.sqs import SqsWorkQueue
from chalicelib.config import Settings
from chalicelib.domain.errors import NotFound
from chalicelib.domain.model import INCOMING_QUEUE, BlobRef
from chalicelib.domain.tenancy.sources import SOURCES
from chalicelib.ports.backends import Backends, Probe, QueueLoad
from chalicelib.ports.repository import Repository

DEFAULT = "default"
_NOTHING = BlobRef("r/0/health", 0, 1)
_WAITING = "ApproximateNumberOfMessages"
# Those that can be received, those in somebody's hands, and those for later.
_NUMBERS = (_WAITING, f"{_WAITING}NotVisible", f"{_WAITING}Delayed")


class AwsBackends(Backends):
    """The `Backends` port over DynamoDB, S3 and SQS. What SQS tells is approximate."""

    def __init__(
        self,
        session: AwsSession,
        settings: Settings,
        repository: Repository,
        blobs: S3BlobStore,
        queue: SqsWorkQueue,
    ) -> None:
        self._session = session
        self._tables = {
            "mail_table": Table(session, settings.mail_table),
            "control_table": Table(session, settings.control_table),
        }
        self._repository = repository
        self._blobs = blobs
        self._queue = queue

    def probes(self) -> Mapping[str, Probe]:
        """One read of each table and of the bucket, and the numbers of the queues."""

        def reading(table: Table) -> Probe:
            return lambda: table.get("HEALTH", "A", consistent=True)

        found = {name: reading(table) for name, table in self._tables.items()}
        return {**found, "bucket": self._read_nothing, "queues": self.queues}

    async def queues(self) -> Sequence[QueueLoad]:
        """One call a queue: those of the pools that ever had a source, which must be deployed before, of the default
        one and of incoming mail."""
        pools = [INCOMING_QUEUE, *sorted({DEFAULT, *await self._repository.owners(SOURCES)})]
        return [QueueLoad(pool, await self._waiting(await self._queue.url(pool))) for pool in pools]

    async def dead_letters(self) -> int:
        """Those in the queue of dead letters."""
        return await self._waiting(await self._queue.url_of_dead())

    async def outbox_lag(self) -> float | None:
        """CloudWatch knows: the alarm `outbox-behind` looks at it."""
        return None

    async def counted(self) -> Mapping[Any, int] | None:
        """Counters are kept by server."""
        return None

    async def _read_nothing(self) -> None:
        with suppress(NotFound):
            await self._blobs.get(_NOTHING)

    async def _waiting(self, url: str) -> int:
        answer = await self._session.call(
            "sqs", "get_queue_attributes", QueueUrl=url, AttributeNames=list(_NUMBERS)
        )
        return sum(int(answer["Attributes"][name]) for name in _NUMBERS)
