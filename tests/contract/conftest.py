"""Gives each contract test one world after the other: one host in memory and on files, then AWS on an emulator."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib.adapters.aws.meter import Meter
from chalicelib.adapters.aws.session import AwsSession
from chalicelib.adapters.aws.sqs import SqsWorkQueue
from chalicelib.adapters.scripted.time import ControlledClock
from chalicelib.adapters.sqlite.queue import SqliteWorkQueue
from chalicelib.bootstrap import Parts, Posthorn
from chalicelib.config import Settings
from chalicelib.domain.delivery_job import parse_job
from chalicelib.domain.model import DeliveryJob
from chalicelib.domain.tenancy.entity import Place
from chalicelib.domain.tenancy.installation import INSTALLATION
from chalicelib.domain.tenancy.owners import THE_INSTALLATION
from chalicelib.ports.clock import Clock
from chalicelib.ports.repository import Repository
from chalicelib.services.tenancy.installation import Installation
from tests.aws_backend import aws_backend, aws_names, aws_settings
from tests.fakes import NOW, a_server_id
from tests.patience import PATIENCE

__all__ = ["aws_backend", "aws_names", "aws_settings"]


class World(Posthorn):
    """The adapters of one family under test, a server number of its own, and the other end of the queue."""

    def __init__(
        self, settings: Settings, family: str, clock: ControlledClock, parts: Parts | None = None
    ) -> None:
        super().__init__(settings, family, {Clock: clock, **(parts or {})})
        self.family = family
        self.clock = clock
        self.server = a_server_id()

    def another(self, parts: Parts | None = None) -> World:
        """The same stores as another process sees them: in memory the very same objects."""
        if self.family == "sqlite" and not self.settings.state_folder:
            return self
        session: Parts = {AwsSession: self[AwsSession]} if self.family == "aws" else {}
        return World(self.settings, self.family, self.clock, {**session, **(parts or {})})

    async def install(self) -> None:
        """An installation with keys that sign: tests of nouns leave one in shared tables whose keys are made up."""
        place = Place(THE_INSTALLATION)
        for found in await self[Repository].get_many(INSTALLATION, [place]):
            await self[Repository].remove(INSTALLATION, found)
        await self[Installation].ensure()

    async def receive(
        self, pool: str, *, within: float = PATIENCE
    ) -> list[tuple[str, DeliveryJob]]:
        """Receipts and items that a receiver gets, waiting for the first `within` seconds."""
        if self.family == "sqlite":
            return [(one.receipt, one.job) for one in await self[SqliteWorkQueue].receive(pool)]
        end = time.monotonic() + within
        while True:
            answer = await self[AwsSession].call(
                "sqs",
                "receive_message",
                QueueUrl=await self[SqsWorkQueue]._url(pool),
                MaxNumberOfMessages=10,
                WaitTimeSeconds=0,
            )
            found = answer.get("Messages", [])
            if found or time.monotonic() > end:
                return [(one["ReceiptHandle"], parse_job(one["Body"])) for one in found]

    async def pass_seconds(self, seconds: float) -> None:
        """Let the queue's time pass."""
        if self.family == "sqlite":
            self.clock.advance(seconds)


@pytest.fixture(scope="session")
def aws_session(aws_backend: Any) -> Iterator[AwsSession]:
    """Clients for the whole process."""
    session = AwsSession(Meter())
    yield session
    session.close()


AWS = pytest.param("aws", marks=pytest.mark.aws)


@pytest.fixture(params=["memory", "files", AWS])
def world(request: pytest.FixtureRequest) -> World:
    """The ports of one family of adapters."""
    return _world(request)


@pytest.fixture(params=[AWS])
def objects(request: pytest.FixtureRequest) -> World:
    """The ports of a family that keeps what is put at a time as an object, and others apart from it."""
    return _world(request)


def _world(request: pytest.FixtureRequest) -> World:
    clock = ControlledClock(NOW)
    if request.param in ("memory", "files"):
        folder = request.getfixturevalue("tmp_path") / "state" if request.param == "files" else ""
        return World(Settings(state_folder=str(folder)), "sqlite", clock)
    session = {AwsSession: request.getfixturevalue("aws_session")}
    return World(request.getfixturevalue("aws_names"), "aws", clock, session)
