"""Plays Lambda's event sources for one worker process: `python -m infra.local.runner INDEX`.

Long-polls each queue, calls the same handler functions that are deployed with real Lambda events, deletes what they
did not report as failed and leaves the rest to the queue's visibility time-out and redrive policy. Worker 0 also reads
the mail table's stream (infra/local/stream.py) and fires what has a schedule by the controlled clock, and at once when
the clock is moved. SIGTERM ends it after the invocations in flight. As in Lambda, a handler that exceeds its
time-out takes the whole process with it.

Switches for tests: POSTHORN_RUNNER_DUPLICATE_PERCENT (how many messages are handed out twice at the same time) and
POSTHORN_RUNNER_REORDER=1 (messages of a batch are spread over invocations in random order).
"""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.config import read_settings
from infra.local import stream
from infra.local.clock import LocalClock
from infra.local.invocation import (
    TIMEOUT_SECONDS,
    Context,
    Handler,
    failed_of,
    schedule_event,
    sqs_event,
)
from infra.local.sources import SCHEDULES, Queue, Schedule, find_queues

WAIT_SECONDS = 1  # of a long poll, so that a stop takes no longer
LOOK_AGAIN_SECONDS = 5.0
TICK_SECONDS = 0.05
AWAY_SECONDS = 0.5
DELETE_BATCH = 10

Message = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Switches:
    """How badly the queue behaves, how many invocations of a function run at once, and for how many seconds."""

    duplicate_percent: float = 0.0
    reorder: bool = False
    concurrency: int = 20
    timeout: float = TIMEOUT_SECONDS


def read_switches(environment: Mapping[str, str]) -> Switches:
    """From POSTHORN_RUNNER_* and the lease of the settings; ValueError for a text that cannot be read."""
    return Switches(
        float(environment.get("POSTHORN_RUNNER_DUPLICATE_PERCENT") or 0),
        environment.get("POSTHORN_RUNNER_REORDER", "") not in {"", "0"},
        int(environment.get("POSTHORN_RUNNER_CONCURRENCY") or 20),
        float(read_settings(environment).lease_seconds),
    )


def say(text: str) -> None:
    print(f"runner: {text}", flush=True)


class Poller(threading.Thread):
    """Feeds one handler from one queue until told to stop, and ends after the invocations in flight."""

    def __init__(
        self, sqs: Any, queue: Queue, switches: Switches, stopping: threading.Event
    ) -> None:
        super().__init__(name=f"poll {queue.name}", daemon=True)
        self._sqs = sqs
        self._queue = queue
        self._switches = switches
        self._stopping = stopping
        self._free = threading.Semaphore(switches.concurrency)
        # Twice as many threads: a duplicate runs beside the invocation that it duplicates.
        self._pool = ThreadPoolExecutor(switches.concurrency * 2, queue.name)
        self._deadlines: dict[str, float] = {}

    def run(self) -> None:
        while not self._stopping.is_set():
            self._free.acquire()
            if messages := self._receive():
                self._pool.submit(self._work, messages)
            else:
                self._free.release()
        self._pool.shutdown(wait=True)

    def is_overdue(self) -> bool:
        """Whether an invocation has run past its time-out."""
        moment = time.monotonic()
        return any(deadline < moment for deadline in list(self._deadlines.values()))

    def _receive(self) -> list[Message]:
        messages: list[Message] = []
        while len(messages) < self._queue.batch and not self._stopping.is_set():
            try:
                answer = self._sqs.receive_message(
                    QueueUrl=self._queue.url,
                    MaxNumberOfMessages=10,
                    WaitTimeSeconds=0 if messages else WAIT_SECONDS,
                    MessageSystemAttributeNames=["All"],
                    MessageAttributeNames=["All"],
                )
            except (BotoCoreError, ClientError) as error:
                say(f"{self._queue.name}: cannot receive: {error}")
                self._stopping.wait(AWAY_SECONDS)
                break
            got = answer.get("Messages", [])
            messages += got
            if len(got) < 10:
                break
        return messages

    def _work(self, messages: list[Message]) -> None:
        """Invoke the handler for a batch, as badly as the switches ask, then make room for the next one."""
        try:
            share = self._switches.duplicate_percent / 100
            if again := [message for message in messages if random.random() < share]:
                self._pool.submit(self._hand_over, again)
            groups = [messages]
            if self._switches.reorder:
                shuffled = random.sample(messages, len(messages))
                middle = random.randint(0, len(shuffled))
                groups = [shuffled[middle:], shuffled[:middle]]
            for group in filter(None, groups):
                self._remove(self._hand_over(group))
        finally:
            self._free.release()

    def _hand_over(self, messages: Sequence[Message]) -> list[Message]:
        """The messages that the handler is done with."""
        ids = [message["MessageId"] for message in messages]
        context = Context(self._queue.name, self._switches.timeout)
        event = sqs_event(messages, self._queue.arn, self._queue.arn.split(":")[3])
        self._deadlines[context.aws_request_id] = time.monotonic() + context.timeout
        failed = failed_of(self._queue.handler, event, context, ids)
        del self._deadlines[context.aws_request_id]
        return [message for message in messages if message["MessageId"] not in failed]

    def _remove(self, messages: Sequence[Message]) -> None:
        for first in range(0, len(messages), DELETE_BATCH):
            entries = [
                {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
                for number, message in enumerate(messages[first : first + DELETE_BATCH])
            ]
            try:
                self._sqs.delete_message_batch(QueueUrl=self._queue.url, Entries=entries)
            except (
                BotoCoreError,
                ClientError,
            ) as error:  # they come again, and the claim drops them
                say(f"{self._queue.name}: cannot delete: {error}")


class Ticker:
    """Fires a handler whenever its schedule says, by the controlled clock, and at once when the clock is moved."""

    def __init__(
        self, schedule: Schedule, handler: Handler, clock: LocalClock, region: str
    ) -> None:
        self._schedule = schedule
        self._handler = handler
        self._clock = clock
        self._region = region
        self._next = 0.0
        self._offset = clock.offset()

    def tick(self) -> bool:
        """Fire if it is time; whether it fired."""
        offset, now = self._clock.offset(), self._clock.now()
        if now < self._next and offset == self._offset:
            return False
        schedule = self._schedule
        every = (schedule.once_moved if offset else 0.0) or schedule.every
        self._next, self._offset = now + every, offset
        try:
            self._handler(
                schedule_event(self._schedule.name, now, self._region),
                Context(self._schedule.name, self._schedule.timeout),
            )
        except Exception:  # a schedule that fails fires again next time, as EventBridge's do
            traceback.print_exc()
        return True

    def run(self, stopping: threading.Event) -> None:
        """Until told to stop."""
        while not stopping.wait(TICK_SECONDS):
            self.tick()


class Runner:
    """All pollers of this process. The threads `beside` them begin when there is a queue, and end with them."""

    def __init__(
        self,
        sqs: Any,
        prefix: str,
        switches: Switches,
        stopping: threading.Event,
        beside: Sequence[threading.Thread] = (),
    ) -> None:
        self._sqs = sqs
        self._prefix = prefix
        self._switches = switches
        self._stopping = stopping
        self._beside = beside
        self._pollers: dict[str, Poller] = {}

    def run(self) -> None:
        """Until told to stop; returns when nothing is in flight any more."""
        look_at = 0.0
        while not self._stopping.wait(TICK_SECONDS):
            if time.monotonic() >= look_at:
                self._look()
                for each in self._beside if self._pollers else ():
                    if each.ident is None:
                        each.start()
                look_at = time.monotonic() + (LOOK_AGAIN_SECONDS if self._pollers else TICK_SECONDS)
            if any(poller.is_overdue() for poller in self._pollers.values()):
                say("an invocation exceeded its time-out; this worker ends, as Lambda would")
                os._exit(1)
        for each in (*self._pollers.values(), *self._beside):
            if each.ident is not None:
                each.join()

    def _look(self) -> None:
        try:
            found = find_queues(self._sqs, self._prefix)
        except (BotoCoreError, ClientError):
            return  # not up yet, or away: the pollers say so
        for url in found.keys() - self._pollers.keys():
            self._pollers[url] = Poller(self._sqs, found[url], self._switches, self._stopping)
            self._pollers[url].start()
            say(f"polling {found[url].name}")


def main(arguments: Sequence[str]) -> int:
    environment, stopping = os.environ, threading.Event()
    session = botocore.session.get_session()
    config = Config(max_pool_connections=64, retries={"max_attempts": 2})
    beside: list[threading.Thread] = []
    if arguments[:1] in ([], ["0"]):
        clock = LocalClock(Path(environment["POSTHORN_CLOCK_FILE"]))
        region = environment.get("AWS_REGION", "us-east-1")
        for each in SCHEDULES:
            ticker = Ticker(each, resolve_name(each.handler), clock, region)
            beside.append(threading.Thread(target=ticker.run, args=(stopping,), daemon=True))
        changes = stream.StreamPoller(
            session.create_client("dynamodbstreams"),
            read_settings(environment).mail_table,
            resolve_name(stream.HANDLER),
            Path(environment["POSTHORN_STATE"]) / stream.PLACES,
            stopping,
        )
        beside.append(changes)
    runner = Runner(
        session.create_client("sqs", config=config),
        environment.get("POSTHORN_QUEUE_PREFIX") or "posthorn-",
        read_switches(environment),
        stopping,
        beside,
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    runner.run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
