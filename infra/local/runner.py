"""Plays Lambda's event sources for one worker process: `python -m infra.local.runner INDEX`.

Long-polls each queue, calls the same handler functions that are deployed with real Lambda events, deletes what they
did not report as failed and leaves the rest to the queue's visibility time-out and redrive policy. Worker 0 also reads
the mail table's stream (infra/local/stream.py) and fires the sweeper each minute of the controlled clock, and at once
when the clock is moved. SIGTERM ends it after the
invocations in flight. As in Lambda, a handler that exceeds its time-out takes the whole process with it.

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
from typing import Any

from chalicelib.config import read_settings
from infra.local import sources, stream
from infra.local.clock import LocalClock
from infra.local.invocation import TIMEOUT_SECONDS, Context, failed_ids, schedule_event, sqs_event

WAIT_SECONDS = 1  # of a long poll, so that a stop takes no longer
LOOK_AGAIN_SECONDS = 5.0
SWEEP_SECONDS = 60.0
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


class Poller:
    """Feeds one handler from one queue until told to stop."""

    def __init__(
        self, sqs: Any, source: sources.Mapped, switches: Switches, stopping: threading.Event
    ) -> None:
        self._sqs = sqs
        self._source = source
        self._switches = switches
        self._stopping = stopping
        self._free = threading.Semaphore(switches.concurrency)
        # Twice as many threads: a duplicate runs beside the invocation that it duplicates.
        self._pool = ThreadPoolExecutor(switches.concurrency * 2, source.name)
        self._thread = threading.Thread(target=self._poll, name=f"poll {source.name}", daemon=True)
        self._deadlines: dict[str, float] = {}

    def start(self) -> None:
        self._thread.start()

    def join(self) -> None:
        """Wait for the poll and the invocations in flight."""
        self._thread.join()
        self._pool.shutdown(wait=True)

    def overdue(self) -> bool:
        """Whether an invocation has run past its time-out."""
        moment = time.monotonic()
        return any(deadline < moment for deadline in list(self._deadlines.values()))

    def _poll(self) -> None:
        while not self._stopping.is_set():
            self._free.acquire()
            messages = self._receive()
            if not messages:
                self._free.release()
                continue
            self._pool.submit(self._work, messages)

    def _receive(self) -> list[Message]:
        messages: list[Message] = []
        wait = WAIT_SECONDS
        while len(messages) < self._source.batch and not self._stopping.is_set():
            try:
                answer = self._sqs.receive_message(
                    QueueUrl=self._source.url,
                    MaxNumberOfMessages=10,
                    WaitTimeSeconds=wait,
                    MessageSystemAttributeNames=["All"],
                    MessageAttributeNames=["All"],
                )
            except _aws_errors() as error:
                say(f"{self._source.name}: cannot receive: {error}")
                self._stopping.wait(AWAY_SECONDS)
                break
            got = answer.get("Messages", [])
            messages.extend(got)
            if len(got) < 10:
                break
            wait = 0
        return messages

    def _work(self, messages: list[Message]) -> None:
        """Invoke the handler for a batch, as badly as the switches ask, then make room for the next one."""
        try:
            share = self._switches.duplicate_percent / 100
            if again := [message for message in messages if random.random() < share]:
                self._pool.submit(self._invoke, again, False)
            for group in self._groups(messages):
                self._invoke(group, True)
        finally:
            self._free.release()

    def _groups(self, messages: list[Message]) -> list[list[Message]]:
        if not self._switches.reorder:
            return [messages]
        shuffled = random.sample(messages, len(messages))
        middle = random.randint(0, len(shuffled))
        return [part for part in (shuffled[middle:], shuffled[:middle]) if part]

    def _invoke(self, messages: Sequence[Message], delete: bool) -> None:
        ids = [message["MessageId"] for message in messages]
        context = Context(self._source.name, self._switches.timeout)
        self._deadlines[context.aws_request_id] = time.monotonic() + context.timeout
        try:
            region = self._source.arn.split(":")[3]
            event = sqs_event(messages, self._source.arn, region)
            again = failed_ids(self._source.handler(event, context), ids)
        except Exception:  # a handler may fail in any way: then, as in Lambda, the batch goes back
            traceback.print_exc()
            again = set(ids)
        finally:
            del self._deadlines[context.aws_request_id]
        if delete:
            self._delete([message for message in messages if message["MessageId"] not in again])

    def _delete(self, messages: Sequence[Message]) -> None:
        for first in range(0, len(messages), DELETE_BATCH):
            entries = [
                {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
                for number, message in enumerate(messages[first : first + DELETE_BATCH])
            ]
            try:
                self._sqs.delete_message_batch(QueueUrl=self._source.url, Entries=entries)
            except _aws_errors() as error:  # they come again, and the claim drops them
                say(f"{self._source.name}: cannot delete: {error}")


class Ticker:
    """Fires the sweeper each minute of the controlled clock, and at once when the clock is moved."""

    def __init__(self, handler: sources.Handler, clock: LocalClock, region: str) -> None:
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
        self._next, self._offset = now + SWEEP_SECONDS, offset
        try:
            self._handler(schedule_event("sweep", now, self._region), Context("sweep", 60.0))
        except Exception:  # a schedule that fails fires again next time, as EventBridge's do
            traceback.print_exc()
        return True


class Runner:
    """All pollers of this process and, in worker 0, the ticker and the poller of the stream."""

    def __init__(self, sqs: Any, prefix: str, switches: Switches, ticker: Ticker | None) -> None:
        self._sqs = sqs
        self.changes: stream.StreamPoller | None = None
        self._prefix = prefix
        self._switches = switches
        self._ticker = ticker
        self._pollers: dict[str, Poller] = {}
        self.stopping = threading.Event()

    def run(self) -> None:
        """Until `stopping` is set; returns when nothing is in flight any more."""
        tick = threading.Thread(target=self._tick, daemon=True)
        look_at = 0.0
        while not self.stopping.is_set():
            if time.monotonic() >= look_at:
                self._look()
                if self._pollers and not tick.is_alive():
                    tick.start()
                    if self.changes is not None:
                        self.changes.start()
                look_at = time.monotonic() + (LOOK_AGAIN_SECONDS if self._pollers else TICK_SECONDS)
            if any(poller.overdue() for poller in self._pollers.values()):
                say("an invocation exceeded its time-out; this worker ends, as Lambda would")
                os._exit(1)
            self.stopping.wait(TICK_SECONDS)
        for poller in self._pollers.values():
            poller.join()
        if self.changes is not None and tick.ident is not None:
            self.changes.join()

    def _look(self) -> None:
        try:
            found = sources.find_sources(self._sqs, self._prefix)
        except _aws_errors():
            return  # not up yet, or away: the pollers say so
        for url in found.keys() - self._pollers.keys():
            self._pollers[url] = Poller(self._sqs, found[url], self._switches, self.stopping)
            self._pollers[url].start()
            say(f"polling {found[url].name}")

    def _tick(self) -> None:
        while self._ticker is not None and not self.stopping.wait(TICK_SECONDS):
            self._ticker.tick()


def _aws_errors() -> tuple[type[Exception], ...]:
    from botocore.exceptions import BotoCoreError, ClientError

    return (BotoCoreError, ClientError)


def _changes(environment: Mapping[str, str], stopping: threading.Event) -> stream.StreamPoller:
    import boto3

    handler = sources.load(stream.HANDLER)
    assert handler is not None  # noqa: S101  # it is part of the app
    places = stream.Places(Path(environment["POSTHORN_STATE"]) / stream.PLACE)
    client = boto3.client("dynamodbstreams")
    return stream.StreamPoller(
        client, read_settings(environment).mail_table, handler, places, stopping
    )


def main(arguments: Sequence[str]) -> int:
    import boto3
    from botocore.config import Config

    environment = os.environ
    region = environment.get("AWS_REGION", "us-east-1")
    switches = read_switches(environment)
    clock = LocalClock(Path(environment["POSTHORN_CLOCK_FILE"]))
    if sources.load(sources.HANDLERS[0].text) is None:
        say(f"there is no {sources.HANDLERS[0].text} to run")
        return 1
    sweep = sources.load(sources.SWEEP) if arguments[:1] in ([], ["0"]) else None
    sqs = boto3.client("sqs", config=Config(max_pool_connections=64, retries={"max_attempts": 2}))
    prefix = environment.get("POSTHORN_QUEUE_PREFIX") or "posthorn-"
    ticker = Ticker(sweep, clock, region) if sweep else None
    runner = Runner(sqs, prefix, switches, ticker)
    if ticker is not None:
        runner.changes = _changes(environment, runner.stopping)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: runner.stopping.set())
    runner.run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
