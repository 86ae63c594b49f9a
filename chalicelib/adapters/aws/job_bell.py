"""The bell of jobs in SQS: `<prefix>jobs`, whose messages say nothing but that there is work."""

from __future__ import annotations

from chalicelib.adapters.aws.session import AwsSession
from chalicelib.config import Settings
from chalicelib.ports.job_bell import JobBell

QUEUE = "jobs"
BODY = "{}"


class SqsJobBell(JobBell):
    """The `JobBell` port over a queue that feeds a function."""

    def __init__(self, session: AwsSession, settings: Settings) -> None:
        self._session = session
        self._name = f"{settings.queue_prefix}{QUEUE}"
        self._url = ""

    async def ring(self) -> None:
        """One message, which wakes one function."""
        if not self._url:
            answer = await self._session.call("sqs", "get_queue_url", QueueName=self._name)
            self._url = str(answer["QueueUrl"])
        await self._session.call("sqs", "send_message", QueueUrl=self._url, MessageBody=BODY)
