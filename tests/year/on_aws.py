"""What works beside the listeners on AWS, turn by turn: each function, fed as its event source feeds it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.changes import Changes
from chalicelib.adapters.aws.session import AwsSession
from chalicelib.adapters.aws.sqs import SqsWorkQueue
from chalicelib.adapters.aws.sqs_lanes import SLOW, WEBHOOKS, SqsLanes
from chalicelib.bootstrap import Posthorn
from chalicelib.domain.delivery_job import parse_job
from chalicelib.domain.model import INCOMING_QUEUE
from chalicelib.ports.clock import Clock
from chalicelib.ports.messages import MessageStore
from functions.deadletters import hold
from functions.deliver import attempt
from functions.incoming import carry
from functions.index import look_after
from functions.jobs import work_on_jobs
from functions.queue_batch import Invocation, QueueRecord
from functions.sweep import sweep_and_check
from functions.upkeep import keep_up
from functions.webhooks import work
from infra.local.prepare import end_items
from tests.aws_backend import ROOT, Backend, start_backend, stop_backend

LEASE = 420
SHARD_SECONDS = 4 * 3_600
JOB_SECONDS = 20.0
BATCH = 1_000
HANDLERS = {"default": attempt, INCOMING_QUEUE: carry}


class _Stream(Changes):
    """The table's stream from where it was read last, however long ago that is."""

    def __init__(self, table: str) -> None:
        super().__init__(table)
        self._real, self._last = self._shard, ""

    def hand_over_all(self, shard: str) -> None:
        """Call the function with what is new, as records of this shard."""
        self._shard = shard
        self.hand_over(self.take(), BATCH)

    def _pages(self) -> Iterator[list[Any]]:
        self._iterator = self._place()
        for page in super()._pages():
            self._last = page[-1]["dynamodb"]["SequenceNumber"]
            yield page

    def _place(self) -> str:
        asked = {"StreamArn": self._arn, "ShardId": self._real}
        if self._last:
            after = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": self._last}
            # What was read more than a day ago is in the stream no more.
            with contextlib.suppress(self._streams.exceptions.TrimmedDataAccessException):
                return str(self._streams.get_shard_iterator(**asked, **after)["ShardIterator"])
        asked["ShardIteratorType"] = "TRIM_HORIZON"
        return str(self._streams.get_shard_iterator(**asked)["ShardIterator"])


_streams: dict[tuple[str, str], _Stream] = {}


class AwsWork:
    """The functions."""

    def __init__(self, program: Posthorn) -> None:
        self._program = program
        self._session = program[AwsSession]
        self._queue = program[SqsWorkQueue]
        table = program.settings.mail_table
        place = os.environ["AWS_ENDPOINT_URL"], table
        self._changes = _streams.get(place) or _streams.setdefault(place, _Stream(table))

    async def deliver(self) -> int:
        """Attempts for all that can be received; how many."""
        done = 0
        for pool, handler in HANDLERS.items():
            url = await self._queue._url(pool)
            while found := await self._receive(url):
                again = set(await handler(self._program, _invocation(found)))
                await self._delete(url, [one for one in found if one["MessageId"] not in again])
                done += len(found)
        return done

    async def tell(self) -> None:
        """The outbox reads the stream, whose shards live for some hours."""
        shard = int(self._program[Clock].now() // SHARD_SECONDS)
        await asyncio.to_thread(self._changes.hand_over_all, f"shardId-{shard:020d}")

    async def post(self) -> int:
        """The functions of webhooks; how many wake-ups there were."""
        done = 0
        for queue in (WEBHOOKS, SLOW):
            url = await self._program[SqsLanes].url(queue)
            while found := await self._receive(url):
                records = [(one["MessageId"], one["Body"]) for one in found]
                again = await work(self._program, records, {})
                await self._delete(url, [one for one in found if one["MessageId"] not in again])
                done += len(found)
        return done

    async def minute(self) -> None:
        """What schedules fire each minute, and the dead letters."""
        await sweep_and_check(self._program, {})
        await work_on_jobs(self._program, {}, JOB_SECONDS)
        await look_after(self._program, {})
        url = await self._queue.url_of_dead()
        while found := await self._receive(url):
            left = await hold(self._program, _invocation(found))
            await self._delete(url, [one for one in found if one["MessageId"] not in left])

    async def hour(self) -> None:
        """The steps of the hour, none of which may fail."""
        await keep_up(self._program, {})

    async def crash(self) -> int:
        """A function that dies with mail in hand, which it had claimed; how much that was."""
        now, url = int(self._program[Clock].now()), await self._queue._url("default")
        found = await self._receive(url)
        for one in found:
            job = parse_job(one["Body"])
            await self._program[MessageStore].claim(job, "dead", now, now + LEASE)
        return len(found)

    async def _receive(self, url: str) -> list[dict[str, Any]]:
        asked: dict[str, Any] = {"QueueUrl": url, "MaxNumberOfMessages": 10, "WaitTimeSeconds": 0}
        answer = await self._session.call("sqs", "receive_message", **asked)
        return list(answer.get("Messages", ()))

    async def _delete(self, url: str, found: list[dict[str, Any]]) -> None:
        for one in found:
            receipt = one["ReceiptHandle"]
            await self._session.call("sqs", "delete_message", QueueUrl=url, ReceiptHandle=receipt)


def _invocation(found: list[dict[str, Any]]) -> Invocation:
    records = tuple(
        QueueRecord(one["MessageId"], one["ReceiptHandle"], parse_job(one["Body"]), 1)
        for one in found
    )
    return Invocation(records, lambda: 400.0)


@contextlib.contextmanager
def emulator(folder: Path) -> Iterator[tuple[Backend, Path]]:
    """A running emulator, and the file that says how far its clock is ahead."""
    offset = folder / "clock"
    python = ROOT / ".venv-ministack" / "bin" / "python"
    command = [python, "-m", "tests.year.emulator"]
    variables = {"POSTHORN_CLOCK_FILE": str(offset), "PYTHONPATH": str(ROOT)}
    process, backend = start_backend(folder, command, **variables)
    try:
        yield backend, offset
    finally:
        stop_backend(process, backend)


def setting(offset: Path, now: float) -> None:
    """Set the emulator's clock."""
    draft = offset.with_suffix(".new")
    draft.write_text(f"{now - time.time():.6f}\n")
    draft.replace(offset)


def let_items_end(backend: Backend, mail_table: str, control_table: str) -> None:
    """As CloudFormation does, where the emulator does not."""
    end_items(backend.endpoint, mail_table, control_table)
