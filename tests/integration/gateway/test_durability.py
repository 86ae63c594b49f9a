"""250 means stored: store failures, group commits, shutdown with transactions in flight, clients that vanish."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from chalicelib.domain.errors import TemporaryFailure
from chalicelib.ports.blobs import BlobStore
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.numbers import Numbers
from chalicelib.ports.queue import WorkQueue
from chalicelib.services.outgoing.submission import Prepared
from gateway.configuration import Role
from tests.gateway_scene import (
    MAIL,
    QUICK,
    Client,
    RunningGateway,
    running_gateway,
    trusting_context,
)
from tests.patience import PATIENCE
from tests.worlds import make_scene, storing_in_order


class Gate:
    """Stands in front of a store: holds commits until opened, or makes them fail."""

    def __init__(self, gateway: RunningGateway) -> None:
        self.opened = asyncio.Event()
        self.entered = asyncio.Event()
        self.error: Exception | None = None
        self.batches: list[int] = []
        self._store = gateway.site.services.accept.store
        gateway.site.committer._store = self.pass_through

    async def pass_through(self, batch: Sequence[Prepared]) -> None:
        self.batches.append(len(batch))
        self.entered.set()
        await self.opened.wait()
        if self.error is not None:
            raise self.error
        await self._store(batch)


@pytest.mark.parametrize("error", [TemporaryFailure("the store is away"), RuntimeError("secret")])
async def test_a_failing_store_gives_451_and_the_next_try_succeeds(error: Exception) -> None:
    async with running_gateway() as gateway:
        gate = Gate(gateway)
        gate.opened.set()
        gate.error = error
        client = await gateway.logged_in()
        said = await client.submit()
        assert str(said) == "451 4.3.0 Cannot store the message now, try again later"
        assert gateway.messages() == []
        gate.error = None
        assert (await client.submit()).code == 250
        outcomes = [entry["outcome"] for entry in gateway.events("transaction")]
        assert outcomes == ["deferred", "accepted"]
        assert bool(gateway.events("fault")) == isinstance(error, RuntimeError)


def fail(*_: object, **__: object) -> None:
    raise TemporaryFailure("away")


@pytest.mark.parametrize(
    ("port", "verb"),
    [(BlobStore, "put"), (WorkQueue, "wake"), (MessageStore, "create"), (Numbers, "take")],
)
async def test_each_store_behind_accept_can_fail(
    port: type[Any], verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = await make_scene()
    scene.posthorn = storing_in_order(scene.posthorn, {})
    async with running_gateway(scene=scene) as gateway:
        client = await gateway.logged_in()
        with monkeypatch.context() as patch:
            patch.setattr(gateway.scene.posthorn[port], verb, fail)
            assert (await client.submit()).code == 451
        assert (await client.submit()).code == 250
        assert len(gateway.messages()) == 1


@pytest.mark.parametrize(
    "step", ["segments.Segments.append", "intake.create", "intake.add_first_job"]
)
async def test_each_step_of_the_one_transaction_can_fail(
    step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_gateway() as gateway:
        client = await gateway.logged_in()
        with monkeypatch.context() as patch:
            patch.setattr(f"chalicelib.adapters.sqlite.{step}", fail)
            assert (await client.submit()).code == 451
        assert gateway.messages() == []
        assert (await client.submit()).code == 250
        assert len(gateway.messages()) == 1


async def test_no_reply_before_the_store_has_returned() -> None:
    async with running_gateway() as gateway:
        gate = Gate(gateway)
        client = await gateway.logged_in()
        await client.envelope()
        await client.say("DATA")
        await client.send(MAIL + b".\r\nNOOP\r\n")
        await asyncio.wait_for(gate.entered.wait(), PATIENCE)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.reader.readexactly(1), 0.05)
        assert gateway.messages() == []
        gate.opened.set()
        assert (await client.reply()).code == 250
        assert (await client.reply()).code == 250
        assert len(gateway.messages()) == 1


async def test_messages_that_come_together_are_stored_together() -> None:
    async with running_gateway() as gateway:
        gate, committer = Gate(gateway), gateway.site.committer
        committer._wait = PATIENCE  # however slowly they come, the first commit lasts longer
        clients = [await gateway.logged_in() for _ in range(12)]
        submissions = [asyncio.ensure_future(client.submit()) for client in clients]
        async with asyncio.timeout(PATIENCE):
            while sum(gate.batches) + len(committer._batch) < 12:
                await asyncio.sleep(0.005)
        gate.opened.set()
        said = await asyncio.gather(*submissions)
        assert {each.code for each in said} == {250}
        assert sum(gate.batches) == 12
        assert len(gate.batches) <= 2
        tokens = [each.text.split()[-1] for each in said]
        assert sorted(tokens) == sorted(message.token for message in gateway.messages())


async def test_a_client_that_vanishes_during_the_commit_harms_nobody() -> None:
    async with running_gateway() as gateway:
        gate = Gate(gateway)
        client = await gateway.logged_in()
        await client.envelope()
        await client.say("DATA")
        await client.send(MAIL + b".\r\n")
        await asyncio.wait_for(gate.entered.wait(), PATIENCE)
        transport = client.writer.transport
        transport.abort()
        other = await gateway.logged_in()
        submission = asyncio.ensure_future(other.submit())
        gate.opened.set()
        assert (await submission).code == 250
        assert len(gateway.messages()) == 2
        assert gateway.site.buffered == 0


async def test_half_a_message_is_never_stored() -> None:
    async with running_gateway() as gateway:
        for ending in (b"", b"\r\n", b"\r\n.", b"\r\n.\r"):
            client = await gateway.logged_in()
            await client.envelope()
            await client.say("DATA")
            await client.send(MAIL + b"cut off" + ending)
            client.close()
        await gateway.settled()
        assert gateway.messages() == []


async def stopping(gateway: RunningGateway) -> asyncio.Task[None]:
    task = asyncio.ensure_future(gateway.gateway.stop())
    while gateway.gateway._listeners:
        await asyncio.sleep(0)
    return task


async def test_shutdown_sends_idle_clients_away_and_takes_no_new_ones() -> None:
    async with running_gateway() as gateway:
        clients = [await gateway.connect(), await gateway.logged_in()]
        port = gateway.port()
        await asyncio.wait_for(gateway.gateway.stop(), PATIENCE)
        for client in clients:
            assert (await client.rest()).startswith(b"421 4.3.2 ")
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)


async def test_shutdown_lets_open_transactions_finish() -> None:
    async with running_gateway() as gateway:
        gate = Gate(gateway)
        in_commit, in_data, in_rcpt = [await gateway.logged_in() for _ in range(3)]
        for client in (in_commit, in_data, in_rcpt):
            await client.envelope()
        for client in (in_commit, in_data):
            await client.say("DATA")
        await in_commit.send(MAIL + b".\r\n")
        await asyncio.wait_for(gate.entered.wait(), PATIENCE)
        await in_data.send(MAIL)
        stop = await stopping(gateway)
        gate.opened.set()
        assert (await in_rcpt.data()).code == 250
        await in_data.send(b".\r\n")
        for client in (in_commit, in_data):
            assert (await client.reply()).code == 250
        for client in (in_commit, in_data, in_rcpt):
            assert (await client.reply()).code == 421
        await asyncio.wait_for(stop, PATIENCE)
        assert len(gateway.messages()) == 3


async def test_shutdown_in_the_middle_of_a_handshake_tells_everybody() -> None:
    async with running_gateway() as gateway:
        in_data = await gateway.logged_in()
        await in_data.envelope()
        await in_data.say("DATA")
        port = gateway.port(Role.SUBMISSIONS)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while not gateway.gateway._arrivals:
            await asyncio.sleep(0)
        stop = await stopping(gateway)
        await in_data.send(MAIL + b".\r\n")
        assert (await in_data.reply()).code == 250
        await writer.start_tls(trusting_context())
        assert (await reader.readline()).startswith(b"421 4.3.2 ")
        writer.close()
        await asyncio.wait_for(stop, PATIENCE)
        assert len(gateway.messages()) == 1


async def test_shutdown_waits_a_moment_for_a_handshake_that_does_not_end() -> None:
    async with running_gateway() as gateway:
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port(Role.SUBMISSIONS))
        while not gateway.gateway._arrivals:
            await asyncio.sleep(0)
        await asyncio.wait_for(gateway.gateway.stop(), QUICK.shutdown_seconds)
        assert gateway.events("stopped_late") == []
        assert await reader.read() == b""
        writer.close()


async def test_shutdown_says_why_to_a_tls_client_that_is_speaking() -> None:
    async with running_gateway() as gateway:
        client = await gateway.logged_in(Role.SUBMISSIONS)
        stop = await stopping(gateway)
        await client.send(b"NOOP\r\nNOOP\r\n")
        assert (await client.reply()).code == 421
        client.close()
        await asyncio.wait_for(stop, PATIENCE)


async def test_shutdown_does_not_wait_for_ever() -> None:
    async with running_gateway(shutdown_seconds=0.1) as gateway:
        client = await gateway.logged_in()
        await client.envelope()
        await client.say("DATA")
        await client.send(MAIL)
        await asyncio.wait_for(gateway.gateway.stop(), PATIENCE)
        assert (await client.rest()).startswith(b"421 4.3.2 ")
        assert gateway.messages() == []
        assert gateway.events("stopped_late") == [
            {
                "time": gateway.scene.clock.now(),
                "event": "stopped_late",
                "level": "warning",
                "cut": 1,
            }
        ]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_the_program_starts_serves_and_stops(tmp_path: Path, number: signal.Signals) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", "--memory", "--state", str(tmp_path)),
        *("--mx-port", "0", "--submission-port", "0", "--submissions-port", "0"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "POSTHORN_STATE": ""},
    )
    assert process.stdout is not None
    lines = [await asyncio.wait_for(process.stdout.readline(), PATIENCE) for _ in range(4)]
    assert lines[1].startswith(b"key ph_")
    port = json.loads(lines[3])["ports"][Role.SUBMISSION]
    client = Client(*await asyncio.open_connection("127.0.0.1", port))
    assert (await client.reply()).code == 220
    await client.say("EHLO me.test")
    await client.start_tls()
    assert (await client.log_in(lines[1].split()[1].decode())).code == 235
    said = await client.submit(b"From: a@demo.test\r\n\r\nHi\r\n")
    assert said.code == 250
    await client.envelope(mail_from="a@demo.test")
    process.send_signal(number)
    assert (await client.data(b"From: a@demo.test\r\n\r\nHi again\r\n")).code == 250
    assert (await client.reply()).code == 421
    client.close()
    output, errors = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert process.returncode == 0, errors.decode()
    assert b'"event":"stopped"' in output
    assert errors == b""
    assert (tmp_path / "gateway-key.pem").stat().st_mode & 0o777 == 0o600
