"""Every storage port on AWS: S3 for bytes, SQS for wake-ups, DynamoDB for facts, KMS for secrets.

`AwsWorld` holds one of each, wired together; its attributes have the names that `chalicelib.bootstrap` uses. Making it
calls nothing: clients come to life with their first call.
"""

from __future__ import annotations

from chalicelib.adapters.aws.dynamo.control import DynamoAccounts
from chalicelib.adapters.aws.dynamo.directory import DynamoDirectory
from chalicelib.adapters.aws.dynamo.idempotency import DynamoIdempotencyKeys
from chalicelib.adapters.aws.dynamo.messages import DynamoMessageStore
from chalicelib.adapters.aws.dynamo.numbers import DynamoNumbers
from chalicelib.adapters.aws.dynamo.suppressions import DynamoSuppressionList
from chalicelib.adapters.aws.dynamo.volume import DynamoSendVolume
from chalicelib.adapters.aws.kms import KmsKeyVault
from chalicelib.adapters.aws.s3 import S3BlobStore
from chalicelib.adapters.aws.session import AwsSession
from chalicelib.adapters.aws.sqs import SqsWorkQueue
from chalicelib.adapters.meter import Meter
from chalicelib.config import Settings
from chalicelib.ports import Clock, Rand

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
        session = self.session = session or AwsSession(threads=threads, meter=meter)
        mail, control = settings.mail_table, settings.control_table
        self.directory = DynamoDirectory(session, control, clock)
        # A process sees its own changes at once; others see them when their caches end.
        self.accounts_store = DynamoAccounts(session, control, self.directory.forget)
        self.messages = DynamoMessageStore(session, mail, rand, self.directory.shards)
        self.blobs = S3BlobStore(session, settings.bucket, rand)
        self.queue = SqsWorkQueue(session, settings.queue_prefix, clock)
        self.suppressions = DynamoSuppressionList(session, mail)
        self.numbers = DynamoNumbers(session, mail, clock, number_block)
        self.volume = DynamoSendVolume(session, mail)
        self.idempotency = DynamoIdempotencyKeys(session, mail, rand)
        self.vault = KmsKeyVault(session, settings.key_alias, clock, rand)
