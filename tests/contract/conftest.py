"""Gives each contract test one world after the other: the fakes, then the adapters of AWS on an emulator."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from chalicelib.adapters.aws import AwsWorld
from chalicelib.adapters.aws.session import AwsSession
from chalicelib.adapters.memory import ControlledClock, MemoryWorld
from chalicelib.adapters.randomness import SystemRand
from chalicelib.config import Settings
from chalicelib.domain.model import WorkItem
from chalicelib.domain.tenancy import ServerId
from chalicelib.domain.workitem import parse_work_item
from chalicelib.ports.accounts import Accounts
from chalicelib.ports.blobs import BlobStore
from chalicelib.ports.directory import Directory
from chalicelib.ports.engagement import Engagement
from chalicelib.ports.idempotency import IdempotencyKeys
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.numbers import Numbers
from chalicelib.ports.queue import WorkQueue
from chalicelib.ports.statistics import Statistics
from chalicelib.ports.suppressions import SuppressionList
from chalicelib.ports.vault import KeyVault
from chalicelib.ports.volume import SendVolume
from tests.aws_backend import aws_backend, aws_names, aws_settings
from tests.fakes import NOW, a_server_id
from tests.patience import PATIENCE

__all__ = ["aws_backend", "aws_names", "aws_settings"]


@dataclass
class World:
    """The ports under test, a server number of its own, and the other end of the queue."""

    clock: ControlledClock
    directory: Directory
    accounts_store: Accounts
    messages: MessageStore
    blobs: BlobStore
    queue: WorkQueue
    suppressions: SuppressionList
    numbers: Numbers
    volume: SendVolume
    idempotency: IdempotencyKeys
    statistics: Statistics
    engagement: Engagement
    vault: KeyVault
    server: ServerId
    inner: Any
    settings: Settings | None

    def another(self, **options: Any) -> Any:
        """The same stores as another process sees them: for memory the very same objects."""
        if self.settings is None:
            return self.inner
        return AwsWorld(
            self.settings, self.clock, SystemRand(), session=self.inner.session, **options
        )

    async def receive(self, pool: str, *, within: float = PATIENCE) -> list[tuple[str, WorkItem]]:
        """Receipts and items that a receiver gets, waiting for the first `within` seconds."""
        if self.settings is None:
            return [(one.receipt, one.item) for one in await self.inner.queue.receive(pool)]
        end = time.monotonic() + within
        while True:
            answer = await self.inner.session.call(
                "sqs",
                "receive_message",
                QueueUrl=await self.inner.queue._url(pool),
                MaxNumberOfMessages=10,
                WaitTimeSeconds=0,
            )
            found = answer.get("Messages", [])
            if found or time.monotonic() > end:
                return [(one["ReceiptHandle"], parse_work_item(one["Body"])) for one in found]

    async def pass_seconds(self, seconds: float) -> None:
        """Let the queue's time pass."""
        if self.settings is None:
            self.clock.advance(seconds)


@pytest.fixture(scope="session")
def aws_session(aws_backend: Any) -> Iterator[AwsSession]:
    """Clients for the whole process."""
    session = AwsSession()
    yield session
    session.close()


@pytest.fixture(params=["memory", pytest.param("aws", marks=pytest.mark.aws)])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """The ports of one family of adapters."""
    clock = ControlledClock(NOW)
    settings: Settings | None = None
    inner: Any
    if request.param == "memory":
        inner = MemoryWorld(clock)
    else:
        session = request.getfixturevalue("aws_session")
        settings = request.getfixturevalue("aws_names")
        inner = AwsWorld(settings, clock, SystemRand(), session=session)
    yield World(
        clock=clock,
        directory=inner.directory,
        accounts_store=inner.accounts_store,
        messages=inner.messages,
        blobs=inner.blobs,
        queue=inner.queue,
        suppressions=inner.suppressions,
        numbers=inner.numbers,
        volume=inner.volume,
        idempotency=inner.idempotency,
        statistics=inner.statistics,
        engagement=inner.engagement,
        vault=inner.vault,
        server=a_server_id(),
        inner=inner,
        settings=settings,
    )
