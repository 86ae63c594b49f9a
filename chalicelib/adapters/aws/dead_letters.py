"""The queue of dead letters looked through for an address: a letter has the whole envelope of its message."""

from __future__ import annotations

from chalicelib.adapters.aws.session import AwsSession
from chalicelib.adapters.aws.sqs import SqsWorkQueue
from chalicelib.domain.delivery_job import parse_job
from chalicelib.domain.erasure import Sought
from chalicelib.domain.errors import Rejected
from chalicelib.domain.numbering import ServerId

AT_ONCE = 10
MOST_LOOKS = 100
HIDDEN_SECONDS = 60


class LettersInSqs:
    """Every letter that can be received. What somebody is at comes to the sweep of dead letters, or back here in
    another run."""

    def __init__(self, session: AwsSession, queue: SqsWorkQueue) -> None:
        self._session = session
        self._queue = queue

    async def take_out(self, owner: ServerId, sought: Sought) -> int:
        """Delete the letters of a server that name an address, and give the others back; how many those were."""
        url, gone = await self._queue.url_of_dead(), 0
        kept: dict[str, str] = {}
        for _ in range(MOST_LOOKS):
            # Waiting asks every host of the queue; else a few are asked, and what the others have is not found.
            answer = await self._session.call(
                "sqs",
                "receive_message",
                QueueUrl=url,
                MaxNumberOfMessages=AT_ONCE,
                VisibilityTimeout=HIDDEN_SECONDS,
                WaitTimeSeconds=1,
            )
            found = {one["MessageId"]: one for one in answer.get("Messages", ())}
            if not found.keys() - kept.keys():
                break
            for name, one in found.items():
                if not _names(one["Body"], owner, sought):
                    kept[name] = one["ReceiptHandle"]
                    continue
                receipt = one["ReceiptHandle"]
                await self._session.call(
                    "sqs", "delete_message", QueueUrl=url, ReceiptHandle=receipt
                )
                gone += 1
        await self._queue.give_back(url, list(kept.values()))
        return gone


def _names(body: str, owner: ServerId, sought: Sought) -> bool:
    """Whether a letter is of a server and names an address. What cannot be read is nobody's."""
    try:
        return parse_job(body).message.server_id == owner and sought.is_in(body)
    except Rejected:
        return False
