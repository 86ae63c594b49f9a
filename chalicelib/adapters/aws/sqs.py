"""Wake-ups in SQS: one queue a pool, `<prefix>deliver-<pool>`, and one of incoming mail, `<prefix>incoming`.

A send is complete or it raises: entries that SQS refuses are sent again twice, then the whole send fails, and those
already in will arrive all the same (at least once). A pool without a queue is said to the log, because only whoever
runs the installation can mend it. Receiving and deleting are the event source's, not ours; `marked` receives to look,
and gives all of it back.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Iterator, Sequence
from typing import Any

from chalicelib.adapters.aws.session import AwsSession
from chalicelib.config import Settings
from chalicelib.domain.delivery_job import parse_job, render_job
from chalicelib.domain.erasure import Sought
from chalicelib.domain.errors import PoolMissing, Rejected, TemporaryFailure
from chalicelib.domain.model import INCOMING_QUEUE, DeliveryJob
from chalicelib.domain.numbering import ServerId
from chalicelib.ports.clock import Clock
from chalicelib.ports.queue import MOST_AHEAD, WorkQueue

LOG = logging.getLogger("posthorn.queue")

LONGEST_DELAY = 900
LONGEST_VISIBILITY = 43_200
LOOK_SECONDS = 60
MOST_LOOKS = 100
_BATCH_ENTRIES = 10
_BATCH_BYTES = 256_000
_TRIES = 3
_PAUSE_SECONDS = 0.1
_PAGE = 1000
_NO_SUCH_QUEUE = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")
_NO_LONGER_HELD = (
    "ReceiptHandleIsInvalid",
    "InvalidParameterValue",
    "MessageNotInflight",
    "AWS.SimpleQueueService.MessageNotInflight",
    "InvalidReceiptHandle",
)

_NOT_QUEUED = "Mail of this server cannot be queued at the moment, try again later"

DEAD = "dead"
INCOMING = "incoming"
_Entry = dict[str, str | int]


class SqsWorkQueue(WorkQueue):
    """The `WorkQueue` port over SQS."""

    longest_wait = LONGEST_DELAY
    pools_are_deployed = True

    def __init__(self, session: AwsSession, settings: Settings, clock: Clock) -> None:
        self._session = session
        self._prefix = settings.queue_prefix
        self._visibility = settings.visibility_seconds
        self._clock = clock
        self._urls: dict[str, str] = {}

    async def wake(self, queue: str, jobs: Sequence[DeliveryJob], at: float = 0) -> None:
        """Queue jobs, delayed until `at` as far as SQS can; TemporaryFailure unless all are in."""
        if not jobs:
            return
        await self._url(queue)
        seconds = math.ceil(round(at - self._clock.now(), 3))
        delay = min(max(0, seconds), LONGEST_DELAY)
        bodies = [render_job(job) for job in jobs]
        await asyncio.gather(*(self._send_batch(queue, batch) for batch in _batches(bodies, delay)))

    async def extend_visibility(self, queue: str, receipt: str, seconds: int) -> None:
        """Keep a received job hidden; TemporaryFailure for a receipt that is no longer good."""
        from botocore.exceptions import ClientError

        url = await self._url(queue)
        try:
            await self._session.call(
                "sqs",
                "change_message_visibility",
                expected=_NO_LONGER_HELD,
                QueueUrl=url,
                ReceiptHandle=receipt,
                VisibilityTimeout=min(seconds, LONGEST_VISIBILITY),
            )
        except ClientError as error:
            raise TemporaryFailure("The wake-up is no longer held by this receipt") from error

    async def pools(self) -> tuple[str, ...]:
        """The pools that have a queue, by name; a queue made a moment ago may be missing."""
        start = self._name("")
        found: list[str] = []
        page: dict[str, Any] = {"QueueNamePrefix": start, "MaxResults": _PAGE}
        while True:
            answer = await self._session.call("sqs", "list_queues", **page)
            names = (url.rpartition("/")[2] for url in answer.get("QueueUrls", ()))
            found += [name.removeprefix(start) for name in names]
            if not answer.get("NextToken"):
                return tuple(sorted(found))
            page["NextToken"] = answer["NextToken"]

    async def ahead(self, queue: str, before: float) -> int:
        """All that can be received but one, which is that of whoever asks: SQS knows no places."""
        name, url = "ApproximateNumberOfMessages", await self._url(queue)
        answer = await self._session.call(
            "sqs", "get_queue_attributes", QueueUrl=url, AttributeNames=[name]
        )
        return min(MOST_AHEAD, max(0, int(answer["Attributes"][name]) - 1))

    async def marked(self, queue: str) -> list[DeliveryJob]:
        """Every job that can be received, looked at: two calls for ten. Each counts as received once more; what is in
        flight, as after a look or a function that died, is waited for until it must have come back."""
        await self._until_none_is_in_flight(queue)
        url = await self._url(queue)
        look: dict[str, Any] = {"MaxNumberOfMessages": _BATCH_ENTRIES}
        look["VisibilityTimeout"] = LOOK_SECONDS
        receipts: dict[str, str] = {}
        found: list[DeliveryJob] = []
        while True:
            # Waiting asks every host of the queue; else a few are asked, and what the others have is not found.
            answer = await self._session.call(
                "sqs", "receive_message", QueueUrl=url, WaitTimeSeconds=1, **look
            )
            some = answer.get("Messages", ())
            fresh = [one for one in some if one["MessageId"] not in receipts]
            receipts |= {one["MessageId"]: one["ReceiptHandle"] for one in some}
            jobs = [_read(one["Body"]) for one in fresh]
            found += [job for job in jobs if job and (job.manual or job.outcome)]
            if not fresh:
                break
        await self._give_back(url, list(receipts.values()))
        return found

    async def forget_dead(self, server: ServerId, sought: Sought) -> int:
        """Receive every letter, delete those, and give the others back. What somebody is at is left to them."""
        url, gone = await self.url_of_dead(), 0
        look: dict[str, Any] = {"MaxNumberOfMessages": _BATCH_ENTRIES}
        look["VisibilityTimeout"] = LOOK_SECONDS
        kept: dict[str, str] = {}
        for _ in range(MOST_LOOKS):
            answer = await self._session.call(
                "sqs", "receive_message", QueueUrl=url, WaitTimeSeconds=1, **look
            )
            found = {one["MessageId"]: one for one in answer.get("Messages", ())}
            if not found.keys() - kept.keys():
                break
            for name, one in found.items():
                job, receipt = _read(one["Body"]), one["ReceiptHandle"]
                # What cannot be read is nobody's.
                if not job or job.message.server_id != server or not sought.is_in(one["Body"]):
                    kept[name] = receipt
                    continue
                gone += 1
                await self._session.call(
                    "sqs", "delete_message", QueueUrl=url, ReceiptHandle=receipt
                )
        await self._give_back(url, list(kept.values()))
        return gone

    async def _until_none_is_in_flight(self, pool: str) -> None:
        name, url = "ApproximateNumberOfMessagesNotVisible", await self._url(pool)
        for _ in range(self._visibility):
            answer = await self._session.call(
                "sqs", "get_queue_attributes", QueueUrl=url, AttributeNames=[name]
            )
            if not int(answer["Attributes"][name]):
                return
            await self._clock.sleep(1)

    async def _give_back(self, url: str, receipts: Sequence[str]) -> None:
        for start in range(0, len(receipts), _BATCH_ENTRIES):
            some = receipts[start : start + _BATCH_ENTRIES]
            entries = [
                {"Id": str(at), "ReceiptHandle": one, "VisibilityTimeout": 0}
                for at, one in enumerate(some)
            ]
            await self._session.call(
                "sqs", "change_message_visibility_batch", QueueUrl=url, Entries=entries
            )

    def _name(self, pool: str) -> str:
        if pool == INCOMING_QUEUE:
            return f"{self._prefix}{INCOMING}"
        return f"{self._prefix}deliver-{pool}"

    async def url(self, pool: str) -> str:
        """Where the queue of a pool is."""
        return await self._url(pool)

    async def url_of_dead(self) -> str:
        """Where the queue of dead letters is."""
        answer = await self._session.call("sqs", "get_queue_url", QueueName=f"{self._prefix}{DEAD}")
        return str(answer["QueueUrl"])

    async def _url(self, pool: str) -> str:
        url = self._urls.get(pool)
        if url is None:
            answer = await self._ask(pool, "get_queue_url", QueueName=self._name(pool))
            url = self._urls[pool] = str(answer["QueueUrl"])
        return url

    async def _ask(self, pool: str, operation: str, **parameters: Any) -> Any:
        """Call SQS about a pool's queue; when there is none, the log names it and the client learns only to wait."""
        from botocore.exceptions import ClientError

        try:
            return await self._session.call("sqs", operation, expected=_NO_SUCH_QUEUE, **parameters)
        except ClientError as error:
            self._urls.pop(pool, None)
            name = self._name(pool)
            fields = {"pool": pool, "queue": name}
            LOG.error(
                "the pool %s has no queue: %s is missing", pool, name, extra={"fields": fields}
            )
            raise PoolMissing(_NOT_QUEUED, pool=pool, queue=name) from error

    async def _send_batch(self, pool: str, entries: list[_Entry]) -> None:
        for attempt in range(_TRIES):
            if attempt:
                await self._clock.sleep(_PAUSE_SECONDS * attempt)
            url = await self._url(pool)
            answer = await self._ask(pool, "send_message_batch", QueueUrl=url, Entries=entries)
            sent = {entry["Id"] for entry in answer.get("Successful", ())}
            entries = [entry for entry in entries if entry["Id"] not in sent]
            if not entries:
                return
        raise TemporaryFailure("The message could not be queued, try again later")


def _read(body: str) -> DeliveryJob | None:
    try:
        return parse_job(body)
    except Rejected:
        return None


def _batches(bodies: Sequence[str], delay: int) -> Iterator[list[_Entry]]:
    batch: list[_Entry] = []
    size = 0
    for body in bodies:
        length = len(body.encode())
        if len(batch) == _BATCH_ENTRIES or (batch and size + length > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        entry: _Entry = {"Id": str(len(batch)), "MessageBody": body}
        if delay:
            entry["DelaySeconds"] = delay
        batch.append(entry)
        size += length
    if batch:
        yield batch
