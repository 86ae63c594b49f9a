"""When AWS is away, throttles or refuses, callers get a temporary failure with a text for users, and no more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib.adapters.aws import AwsWorld
from chalicelib.adapters.memory import ControlledClock
from chalicelib.adapters.randomness import SystemRand
from chalicelib.config import Settings
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.model import BlobRef, MessageId
from tests.fakes import NOW, a_message, a_server_id, a_work_item
from tests.loopback import free_port


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> Iterator[AwsWorld]:
    """Adapters that point at a port where nobody listens."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    for name, value in (
        ("REGION", "us-east-1"),
        ("ACCESS_KEY_ID", "x"),
        ("SECRET_ACCESS_KEY", "y"),
    ):
        monkeypatch.setenv(f"AWS_{name}", value)
    world = AwsWorld(Settings(), ControlledClock(NOW), SystemRand())
    yield world
    world.session.close()


async def test_every_port_says_temporary(away: AwsWorld) -> None:
    server = a_server_id()
    message = a_message(server, 1)
    calls = [
        away.messages.get(server, MessageId(1)),
        away.blobs.put(server, [b"x"], NOW),
        away.blobs.get(BlobRef("r/x", 0, 1)),
        away.queue.send("default", [a_work_item(message)]),
        away.vault.seal(b"x", {}),
        away.directory.credential("digest"),
        away.numbers.take(server, "message", 1),
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
    world = AwsWorld(settings, ControlledClock(NOW), SystemRand())
    with pytest.raises(TemporaryFailure) as caught:
        await world.messages.get(a_server_id(), MessageId(1))
    assert caught.value.fields["aws_code"] == "ResourceNotFoundException"
    with pytest.raises(TemporaryFailure):
        await world.blobs.put(a_server_id(), [b"x"], NOW)
    with pytest.raises(TemporaryFailure):
        await world.vault.seal(b"x", {})
    world.session.close()


@pytest.mark.aws
async def test_entries_that_the_queue_refuses_are_sent_again(
    aws: AwsWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = aws.session.call
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

    monkeypatch.setattr(aws.session, "call", call)
    items = [a_work_item(a_message(a_server_id(), number)) for number in range(5)]
    await aws.queue.send("default", items)
    assert batches == [["0", "1", "2", "3", "4"], ["4"]]
    refuse_times = 9
    with pytest.raises(TemporaryFailure, match="queued"):
        await aws.queue.send("default", items)
    assert batches[2:] == [["0", "1", "2", "3", "4"], ["4"], ["4"]]
