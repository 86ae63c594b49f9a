"""Mail leaves through the gateway image's egress role, a process of its own, from the address that its source names;
when the role is away, refuses, or has lost an address, mail waits or takes another source.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from chalicelib.adapters.network.egress import NetworkEgress
from chalicelib.config import Settings
from chalicelib.domain.model import MessageRecord, State, Status
from chalicelib.domain.tenancy.sources import EgressKind, EgressSource
from chalicelib.ports.egress import Egress
from chalicelib.ports.vault import KeyVault
from chalicelib.services.pools.sources import Sources
from chalicelib.services.queue.sweep import Sweep
from tests.patience import PATIENCE
from tests.peers import SmtpPeer
from tests.worlds import Scene, beside, make_scene, publish

PASSWORD = "correct horse battery"
FIRST, SECOND, LOST = "127.0.0.2", "127.0.0.3", "192.0.2.1"
ROOT = Path(__file__).resolve().parents[3]
# What the role refuses outside of tests: loopback, and other ports than 25.
ROLE = """
import asyncio, os, sys
from dataclasses import replace
from gateway.egress_proxy import read_rules, run
ports = frozenset({int(sys.argv[1])})
asyncio.run(run(replace(read_rules(os.environ), ports=ports, is_allowed=bool), "127.0.0.1", 0))
"""


class Role:
    """A running egress role. `port` is where it listens."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.process = process
        self.port = port

    async def die(self) -> None:
        """End it without a word, as a machine does."""
        self.process.kill()
        await self.process.wait()


@contextlib.asynccontextmanager
async def role(allowed: int, *addresses: str) -> AsyncIterator[Role]:
    environment = {
        **os.environ,
        "PYTHONPATH": f"{ROOT}:{ROOT / 'smtp-gateway'}",
        "POSTHORN_EGRESS_PASSWORD": PASSWORD,
        "POSTHORN_EGRESS_ADDRESSES": " ".join(addresses),
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", ROLE, str(allowed)), stdout=asyncio.subprocess.PIPE, env=environment
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE):
            line = (await process.stdout.readline()).decode()
        assert line.startswith("egress proxy on 127.0.0.1:")
        yield Role(process, int(line.rpartition(":")[2]))
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.fixture
async def peer() -> AsyncIterator[SmtpPeer]:
    async with SmtpPeer() as made:
        yield made


@pytest.fixture
async def scene(peer: SmtpPeer) -> AsyncIterator[Scene]:
    """A delivering program with the real network below it; its pool has no source yet."""
    settings = Settings(delivery_port=peer.port, allow_private_delivery=True)
    made = await make_scene(settings)
    publish(made.posthorn, "example.com", "127.0.0.1")
    await made.posthorn[Sources].remove(await made.posthorn[Sources].find("default"))
    egress = fresh_worker(made)
    yield made
    await egress.close()


def fresh_worker(scene: Scene) -> NetworkEgress:
    """A worker with a network that remembers nothing delivers for the scene from now on."""
    egress = NetworkEgress(scene.posthorn.settings, scene.posthorn[KeyVault])
    scene.posthorn = beside(scene.posthorn, {Egress: egress})
    return egress


async def add(scene: Scene, proxy: int, address: str, password: str = PASSWORD) -> EgressSource:
    source = EgressSource(
        f"out-{address}",
        kind=EgressKind.SOCKS5,
        address=address,
        host="127.0.0.1",
        port=proxy,
        ehlo=f"out{address[-1]}.acme.test",
    )
    return await scene.posthorn[Sources].add(source, password)


async def send(scene: Scene) -> MessageRecord:
    """One message to john@example.com, as it stands after its first attempt."""
    (accepted,) = await scene.accept()
    await scene.deliver_ready()
    return await scene.record(accepted)


async def test_each_message_leaves_from_the_address_of_its_source(
    scene: Scene, peer: SmtpPeer
) -> None:
    async with role(peer.port, FIRST, SECOND) as proxy:
        for address in (FIRST, SECOND):
            await add(scene, proxy.port, address)
        records = [await send(scene) for _ in range(12)]
        assert {record.status for record in records} == {Status.SENT}
        named = [record.deliveries[-1].source for record in records]
        seen = [mail.client[0] for mail in peer.mails]
        assert named == [f"out-{address}" for address in seen]
        assert set(seen) == {FIRST, SECOND}
        assert all(mail.helo == f"out{mail.client[0][-1]}.acme.test" for mail in peer.mails)


async def test_a_retry_comes_from_the_same_address(scene: Scene, peer: SmtpPeer) -> None:
    async with role(peer.port, FIRST, SECOND) as proxy:
        for address in (FIRST, SECOND):
            await add(scene, proxy.port, address)
        for _ in range(4):
            peer.once("RCPT", "450 4.2.0 Greylisted")
            record = await send(scene)
            assert record.state is State.WAITING
            scene.clock.advance(1_000)
            await scene.posthorn[Sweep].run()
            await scene.deliver_ready()
            first, second = (await scene.record(scene.sent[-1])).deliveries
            assert first.source == second.source
            assert second.status is Status.SENT


async def test_mail_waits_with_a_reason_while_the_role_is_away(
    scene: Scene, peer: SmtpPeer
) -> None:
    async with role(peer.port, FIRST) as proxy:
        await add(scene, proxy.port, FIRST)
        await proxy.die()
        record = await send(scene)
        assert (record.state, record.status) == (State.WAITING, Status.SOFT_FAIL)
        assert record.deliveries[-1].details == (
            "No egress source of pool default is available. The SOCKS5 proxy cannot be reached."
        )
        assert not peer.connections
    async with role(peer.port, FIRST) as back:
        source = await scene.posthorn[Sources].find(f"out-{FIRST}")
        await scene.posthorn[Sources].change(replace(source, port=back.port))
        egress = fresh_worker(scene)
        scene.clock.advance(1_000)
        await scene.posthorn[Sweep].run()
        await scene.deliver_ready()
        assert (await scene.record(scene.sent[-1])).status is Status.SENT
        assert peer.mails[0].client[0] == FIRST
        await egress.close()


async def test_a_source_whose_role_is_away_is_passed_over(scene: Scene, peer: SmtpPeer) -> None:
    async with role(peer.port, FIRST) as dead, role(peer.port, SECOND) as alive:
        source = await add(scene, dead.port, FIRST)
        await scene.posthorn[Sources].change(replace(source, priority=1_000))
        other = await add(scene, alive.port, SECOND)
        await scene.posthorn[Sources].change(replace(other, priority=1))
        await dead.die()
        for _ in range(3):
            assert (await send(scene)).status is Status.SENT
        assert [mail.client[0] for mail in peer.mails] == [SECOND] * 3


async def test_an_address_that_the_role_has_lost_is_passed_over(
    scene: Scene, peer: SmtpPeer
) -> None:
    async with role(peer.port, FIRST, LOST) as proxy:
        lost = await add(scene, proxy.port, LOST)
        record = await send(scene)
        assert record.state is State.WAITING
        details = record.deliveries[-1].details
        assert "The SOCKS5 proxy turned us away" in details
        await add(scene, proxy.port, FIRST)
        await scene.posthorn[Sources].change(replace(lost, priority=1_000))
        assert (await send(scene)).status is Status.SENT
        assert [mail.client[0] for mail in peer.mails] == [FIRST]


@pytest.mark.parametrize("what", ["no password", "another password", "a foreign address"])
async def test_without_the_right_credentials_nothing_leaves(
    scene: Scene, peer: SmtpPeer, what: str
) -> None:
    async with role(peer.port, FIRST) as proxy:
        source = await add(scene, proxy.port, FIRST)
        assert (await send(scene)).status is Status.SENT
        sources = scene.posthorn[Sources]
        if what == "no password":
            await sources.change(replace(source, username=""))
        elif what == "another password":
            await sources.change(source, "wrong horse battery")
        else:
            await sources.change(replace(source, address=SECOND, username=SECOND))
        egress = fresh_worker(scene)
        record = await send(scene)
        assert (record.state, record.status) == (State.WAITING, Status.SOFT_FAIL)
        details = record.deliveries[-1].details
        assert details.startswith("No egress source of pool default is available. ")
        assert "horse" not in str(record)
        assert len(peer.mails) == 1
        await egress.close()


async def test_a_suspended_source_rests_until_it_is_resumed(scene: Scene, peer: SmtpPeer) -> None:
    async with role(peer.port, FIRST, SECOND) as proxy:
        first, _ = [await add(scene, proxy.port, address) for address in (FIRST, SECOND)]
        await scene.posthorn[Sources].suspend(first, 3_600)
        for _ in range(6):
            assert (await send(scene)).deliveries[-1].source == f"out-{SECOND}"
        scene.clock.advance(3_600)
        sent = [(await send(scene)).deliveries[-1].source for _ in range(12)]
        assert f"out-{FIRST}" in sent
