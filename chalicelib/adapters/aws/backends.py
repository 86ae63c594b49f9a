"""How the tables, the bucket and the queues are: each is asked for something that costs little."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from email.utils import parsedate_to_datetime
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
        self._ahead: float | None = None

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

    def clock_ahead(self) -> float | None:
        """By the Date of SQS's last answer."""
        return self._ahead

    async def without_past(self) -> Sequence[str] | None:
        """Those whose point-in-time recovery is off: one call a table."""
        found = []
        for table in self._tables.values():
            answer = await self._session.call(
                "dynamodb", "describe_continuous_backups", TableName=table.name
            )
            recovery = answer["ContinuousBackupsDescription"].get(
                "PointInTimeRecoveryDescription", {}
            )
            if recovery.get("PointInTimeRecoveryStatus") != "ENABLED":
                found.append(table.name)
        return found

    async def counted(self) -> Mapping[Any, int] | None:
        """Counters are kept by server."""
        return None

    async def posted(self) -> Mapping[str, int] | None:
        """Likewise."""
        return None

    async def _read_nothing(self) -> None:
        with suppress(NotFound):
            await self._blobs.get(_NOTHING)

    async def _waiting(self, url: str) -> int:
        asked_at = time.time()
        answer = await self._session.call(
            "sqs", "get_queue_attributes", QueueUrl=url, AttributeNames=list(_NUMBERS)
        )
        self._ahead = _ahead(answer, asked_at, time.time())
        return sum(int(answer["Attributes"][name]) for name in _NUMBERS)


def _ahead(answer: Mapping[str, Any], asked_at: float, answered_at: float) -> float | None:
    """How far this clock is ahead at least: the answer was made between these times, in the second of its Date."""
    text = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
    if text is None:
        return None
    there = parsedate_to_datetime(text).timestamp()
    return max(0.0, asked_at - there - 1) - max(0.0, there - answered_at)
