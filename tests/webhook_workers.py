"""Whoever works at lanes in a test: the worker of one host, or the two functions fed by their queues as AWS does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from chalicelib.adapters.aws.session import AwsSession
from chalicelib.adapters.aws.sqs_lanes import SLOW, WEBHOOKS, SqsLanes
from chalicelib.bootstrap import Posthorn
from functions.webhooks import work
from onehost.webhooks import WebhookWorkers

# Invocations at a time, as functions.merge.yaml has them.
CONCURRENCY = {WEBHOOKS: 10, SLOW: 4}


@asynccontextmanager
async def working(program: Posthorn, family: str) -> AsyncIterator[None]:
    """Lanes are worked at while the block runs."""
    stop = asyncio.Event()
    if family == "aws":
        tasks = [
            asyncio.create_task(_invocations(program, queue, stop))
            for queue, count in CONCURRENCY.items()
            for _ in range(count)
        ]
    else:
        tasks = [asyncio.create_task(WebhookWorkers(program).run(stop))]
    try:
        yield
    finally:
        stop.set()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _invocations(program: Posthorn, queue: str, stop: asyncio.Event) -> None:
    """One after the other, of at most ten records each."""
    url = await program[SqsLanes].url(queue)
    session = program[AwsSession]
    while not stop.is_set():
        answer = await session.call(
            "sqs", "receive_message", QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1
        )
        found = answer.get("Messages", [])
        records = [(one["MessageId"], one["Body"]) for one in found]
        again = await work(program, records, {}) if records else set()
        done = [one for one in found if one["MessageId"] not in again]
        if done:
            entries = [
                {"Id": str(at), "ReceiptHandle": one["ReceiptHandle"]}
                for at, one in enumerate(done)
            ]
            await session.call("sqs", "delete_message_batch", QueueUrl=url, Entries=entries)


@dataclass
class Hanging:
    """A web server that takes connections and says nothing, and counts how many are open at a time."""

    port: int = 0
    open: int = 0
    most: int = 0
    total: int = 0
    _server: asyncio.Server | None = field(default=None, repr=False)
    _serving: set[asyncio.Task[None]] = field(default_factory=set, repr=False)

    async def __aenter__(self) -> Hanging:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)
        await asyncio.sleep(0)  # in which what they closed is let go

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        self.total += 1
        self.most = max(self.most, self.open)
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        try:
            with suppress(OSError, asyncio.CancelledError):
                while await reader.read(65_536):
                    pass
        finally:
            self.open -= 1
            self._serving.discard(task)
            writer.transport.abort()
