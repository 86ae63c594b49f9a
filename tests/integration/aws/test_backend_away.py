"""When AWS is away, throttles or refuses, callers get a temporary failure with a text for users, and no more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib.adapters.aws.session import AwsSession
from chalicelib.adapters.scripted.time import ControlledClock
from chalicelib.bootstrap import Posthorn
from chalicelib.config import Settings
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.model import BlobRef
from chalicelib.domain.numbering import MessageId
from chalicelib.ports.blobs import BlobStore
from chalicelib.ports.clock import Clock
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.numbers import Numbers
from chalicelib.ports.queue import WorkQueue
from chalicelib.ports.vault import KeyVault
from chalicelib.services.tenancy.client_directory import ClientDirectory
from tests.fakes import NOW, a_job, a_message, a_server_id
from tests.loopback import free_port


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> Iterator[Posthorn]:
    """Adapters that point at a port where nobody listens."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    for name, value in (
        ("REGION", "us-east-1"),
        ("ACCESS_KEY_ID", "x"),
        ("SECRET_ACCESS_KEY", "y"),
    ):
        monkeypatch.setenv(f"AWS_{name}", value)
    world = Posthorn(Settings(), "aws", {Clock: ControlledClock(NOW)})
    yield world
    world[AwsSession].close()


async def test_every_port_says_temporary(away: Posthorn) -> None:
    server = a_server_id()
    message = a_message(server, 1)
    calls = [
        away[MessageStore].get(server, MessageId(1)),
        away[BlobStore].put(server, [b"x"], NOW),
        away[BlobStore].get(BlobRef("r/x", 0, 1)),
        away[WorkQueue].wake("default", [a_job(message)]),
        away[KeyVault].seal(b"x", {}),
        away[ClientDirectory].credential("digest"),
        away[Numbers].take(server, "message", 1),
    ]
    for call in calls:
        with pytest.raises(TemporaryFailure) as caught:
            await call
        error = caught.value
        assert "not available" in error.public
        assert "127.0.0.1" not in error.public
        assert error.fields["aws_code"] == "EndpointConnectionError"
        assert (error.reply.code, error.reply.enhanced) == (451, "4.3.0")


@pytest.mark.aws
async def test_unknown_tables_and_buckets_are_temporary_too(aws_backend: Any) -> None:
    settings = Settings(mail_table="no-such-table", bucket="no-such-bucket", key_alias="alias/none")
    world = Posthorn(settings, "aws", {Clock: ControlledClock(NOW)})
    with pytest.raises(TemporaryFailure) as caught:
        await world[MessageStore].get(a_server_id(), MessageId(1))
    assert caught.value.fields["aws_code"] == "ResourceNotFoundException"
    with pytest.raises(TemporaryFailure):
        await world[BlobStore].put(a_server_id(), [b"x"], NOW)
    with pytest.raises(TemporaryFailure):
        await world[KeyVault].seal(b"x", {})
    world[AwsSession].close()


@pytest.mark.aws
async def test_entries_that_the_queue_refuses_are_sent_again(
    aws: Posthorn, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = aws[AwsSession].call
    batches: list[list[str]] = []
    refuse_times = 1

    async def call(service: str, operation: str, **parameters: Any) -> Any:
        nonlocal refuse_times
        if operation != "send_message_batch":
            return await real(service, operation, **parameters)
        entries = parameters["Entries"]
        batches.append([entry["Id"] for entry in entries])
        if refuse_times:
            refuse_times -= 1
            kept = entries[:-1]
            if kept:
                await real(service, operation, **{**parameters, "Entries": kept})
            return {"Successful": [{"Id": entry["Id"]} for entry in kept], "Failed": [{}]}
        return await real(service, operation, **parameters)

    monkeypatch.setattr(aws[AwsSession], "call", call)
    items = [a_job(a_message(a_server_id(), number)) for number in range(5)]
    await aws[WorkQueue].wake("default", items)
    assert batches == [["0", "1", "2", "3", "4"], ["4"]]
    refuse_times = 9
    with pytest.raises(TemporaryFailure, match="queued"):
        await aws[WorkQueue].wake("default", items)
    assert batches[2:] == [["0", "1", "2", "3", "4"], ["4"], ["4"]]
