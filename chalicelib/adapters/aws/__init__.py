"""Every storage port on AWS: S3 for bytes, SQS for wake-ups, DynamoDB for facts, KMS for secrets.

`AwsWorld` has one of each, wired together; its attributes have the names that `chalicelib.bootstrap` uses. Each is
loaded and made when it is first asked for, so that a cold start pays for what it uses, and making one calls nothing:
clients come to life with their first call.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from chalicelib.adapters.aws.session import AwsSession

if TYPE_CHECKING:
    from chalicelib.adapters.aws.dynamo.changes import StreamChanges
    from chalicelib.adapters.aws.dynamo.control import DynamoAccounts
    from chalicelib.adapters.aws.dynamo.directory import DynamoDirectory
    from chalicelib.adapters.aws.dynamo.engagement import DynamoEngagement
    from chalicelib.adapters.aws.dynamo.idempotency import DynamoIdempotencyKeys
    from chalicelib.adapters.aws.dynamo.messages import DynamoMessageStore
    from chalicelib.adapters.aws.dynamo.numbers import DynamoNumbers
    from chalicelib.adapters.aws.dynamo.statistics import DynamoStatistics
    from chalicelib.adapters.aws.dynamo.suppressions import DynamoSuppressionList
    from chalicelib.adapters.aws.dynamo.volume import DynamoSendVolume
    from chalicelib.adapters.aws.kms import KmsKeyVault
    from chalicelib.adapters.aws.s3 import S3BlobStore
    from chalicelib.adapters.aws.sqs import SqsWorkQueue
    from chalicelib.adapters.meter import Meter
    from chalicelib.config import Settings
    from chalicelib.ports.clock import Clock
    from chalicelib.ports.rand import Rand

__all__ = ["AwsSession", "AwsWorld"]


class AwsWorld:
    """One AWS adapter for each storage port. `number_block` is 100 for a gateway; `threads` bounds calls in flight.

    A `session` given is used as it is, with its own threads and meter.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        rand: Rand,
        *,
        meter: Meter | None = None,
        number_block: int = 20,
        threads: int = 32,
        session: AwsSession | None = None,
    ) -> None:
        self.session = session or AwsSession(threads=threads, meter=meter)
        self._settings = settings
        self._clock = clock
        self._rand = rand
        self._number_block = number_block

    @cached_property
    def directory(self) -> DynamoDirectory:
        from chalicelib.adapters.aws.dynamo.directory import DynamoDirectory

        return DynamoDirectory(self.session, self._settings.control_table, self._clock)

    @cached_property
    def accounts_store(self) -> DynamoAccounts:
        from chalicelib.adapters.aws.dynamo.control import DynamoAccounts

        # A process sees its own changes at once; others see them when their caches end.
        changed = self.directory.forget
        return DynamoAccounts(self.session, self._settings.control_table, changed)

    @cached_property
    def messages(self) -> DynamoMessageStore:
        from chalicelib.adapters.aws.dynamo.messages import DynamoMessageStore

        table, shards = self._settings.mail_table, self.directory.shards
        return DynamoMessageStore(self.session, table, self._rand, shards)

    @cached_property
    def blobs(self) -> S3BlobStore:
        from chalicelib.adapters.aws.s3 import S3BlobStore

        return S3BlobStore(self.session, self._settings.bucket, self._rand)

    @cached_property
    def queue(self) -> SqsWorkQueue:
        from chalicelib.adapters.aws.sqs import SqsWorkQueue

        return SqsWorkQueue(self.session, self._settings.queue_prefix, self._clock)

    @cached_property
    def suppressions(self) -> DynamoSuppressionList:
        from chalicelib.adapters.aws.dynamo.suppressions import DynamoSuppressionList

        return DynamoSuppressionList(self.session, self._settings.mail_table)

    @cached_property
    def numbers(self) -> DynamoNumbers:
        from chalicelib.adapters.aws.dynamo.numbers import DynamoNumbers

        table = self._settings.mail_table
        return DynamoNumbers(self.session, table, self._clock, self._number_block)

    @cached_property
    def volume(self) -> DynamoSendVolume:
        from chalicelib.adapters.aws.dynamo.volume import DynamoSendVolume

        return DynamoSendVolume(self.session, self._settings.mail_table)

    @cached_property
    def idempotency(self) -> DynamoIdempotencyKeys:
        from chalicelib.adapters.aws.dynamo.idempotency import DynamoIdempotencyKeys

        return DynamoIdempotencyKeys(self.session, self._settings.mail_table, self._rand)

    @cached_property
    def engagement(self) -> DynamoEngagement:
        from chalicelib.adapters.aws.dynamo.engagement import DynamoEngagement

        table, shards = self._settings.mail_table, self.directory.shards
        return DynamoEngagement(self.session, table, self._clock, self._rand, shards)

    @cached_property
    def statistics(self) -> DynamoStatistics:
        from chalicelib.adapters.aws.dynamo.statistics import DynamoStatistics

        return DynamoStatistics(self.session, self._settings.mail_table, self._clock)

    @cached_property
    def changes(self) -> StreamChanges:
        from chalicelib.adapters.aws.dynamo.changes import StreamChanges

        return StreamChanges()

    @cached_property
    def vault(self) -> KmsKeyVault:
        from chalicelib.adapters.aws.kms import KmsKeyVault

        return KmsKeyVault(self.session, self._settings.key_alias, self._clock, self._rand)
