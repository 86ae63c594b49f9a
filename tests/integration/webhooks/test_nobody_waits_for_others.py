"""One tenant's webhooks that hang until their time-out, under many events, delay nobody else.

Requests under way stay within the bound that the page about webhooks states.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import pytest

from chalicelib.bootstrap import Posthorn, in_memory, on_aws
from chalicelib.config import Settings
from chalicelib.domain.tenancy.servers import Server
from chalicelib.domain.webhooks.delivery import DeliveryFilter, DeliveryStatus
from chalicelib.ports.webhook_deliveries import WebhookDeliveries
from chalicelib.services.tenancy.installation import Installation
from chalicelib.services.tenancy.organizations import Organizations
from chalicelib.services.tenancy.servers import Servers
from chalicelib.services.webhooks.fan_out import FanOut
from chalicelib.services.webhooks.places import MOST, MOST_OF_A_SERVER, MOST_OF_AN_ORGANIZATION
from tests.http_peer import HttpPeer
from tests.patience import PATIENCE
from tests.webhook_events import a_webhook, an_event
from tests.webhook_workers import CONCURRENCY, Hanging, working

HANGING, EVENTS, OTHERS = 50, 20, 40
TIMEOUT = 3


@dataclass
class Family:
    """A program on the adapters of one family, live."""

    name: str
    program: Posthorn

    async def server(self) -> Server:
        organization = await self.program[Organizations].create(f"Acme {secrets.token_hex(3)}")
        return await self.program[Servers].create(organization, "App")


@pytest.fixture(params=["memory", pytest.param("aws", marks=pytest.mark.aws)])
async def family(request: pytest.FixtureRequest) -> AsyncIterator[Family]:
    if request.param == "memory":
        program = in_memory(Settings(allow_private_destinations=True), live=True)
    else:
        settings = request.getfixturevalue("aws_settings")
        program = on_aws(replace(settings, allow_private_destinations=True))
    await program[Installation].ensure()
    yield Family(request.param, program)


async def test_hanging_receivers_delay_nobody(family: Family) -> None:
    program = family.program
    slow, quick = await family.server(), await family.server()
    async with Hanging() as hanging, HttpPeer() as peer, working(program, family.name):
        for number in range(HANGING):
            url = f"http://127.0.0.1:{hanging.port}/{number}"
            await a_webhook(program, slow, url, timeout=TIMEOUT)
        await a_webhook(program, quick, peer.url("/hook"))
        events = [an_event(slow.id, number) for number in range(EVENTS)]
        assert await program[FanOut].take(slow.id, events) == HANGING * EVENTS
        while not hanging.open:
            await asyncio.sleep(0.01)

        begun = time.monotonic()
        wanted = [an_event(quick.id, number) for number in range(OTHERS)]
        await program[FanOut].take(quick.id, wanted)
        while len(peer.requests) < OTHERS and time.monotonic() - begun < PATIENCE:
            await asyncio.sleep(0.01)
        ids = {one.headers["webhook-id"] for one in peer.requests}
        assert ids == {one.id for one in wanted}
        # Others stood before them, of which most still wait, behind those that hang.
        assert hanging.open
        assert hanging.total < HANGING * EVENTS / 2

        # Until others have their turn after the first that timed out.
        while hanging.total < MOST_OF_A_SERVER + 4 and time.monotonic() - begun < PATIENCE:
            await asyncio.sleep(0.05)
        bound = MOST_OF_A_SERVER if family.name == "memory" else HANGING
        assert hanging.most <= bound
        assert sum(CONCURRENCY.values()) * 10 >= bound


async def test_servers_of_one_organization_leave_places_to_others() -> None:
    program = in_memory(Settings(allow_private_destinations=True), live=True)
    await program[Installation].ensure()
    family = Family("memory", program)
    quick, greedy = await family.server(), await program[Organizations].create("Greedy")
    async with Hanging() as hanging, HttpPeer() as peer, working(program, family.name):
        for number in range(MOST // MOST_OF_A_SERVER):
            server = await program[Servers].create(greedy, f"App {number}")
            for path in range(MOST_OF_A_SERVER):
                url = f"http://127.0.0.1:{hanging.port}/{path}"
                await a_webhook(program, server, url, timeout=30)
            await program[FanOut].take(server.id, [an_event(server.id, number)])
        begun = time.monotonic()
        while hanging.open < MOST_OF_AN_ORGANIZATION and time.monotonic() - begun < PATIENCE:
            await asyncio.sleep(0.01)
        await a_webhook(program, quick, peer.url("/hook"))
        await program[FanOut].take(quick.id, [an_event(quick.id, 1)])
        while not peer.requests and time.monotonic() - begun < PATIENCE:
            await asyncio.sleep(0.01)
        assert peer.requests
        # None of them was given up meanwhile.
        assert hanging.open == hanging.total == MOST_OF_AN_ORGANIZATION


async def test_one_that_answers_again_gets_all_that_waited(family: Family) -> None:
    program = family.program
    server = await family.server()
    async with HttpPeer() as peer, working(program, family.name):
        silent = asyncio.Event()

        async def hang(writer: asyncio.StreamWriter) -> None:
            silent.set()
            await asyncio.sleep(PATIENCE)

        peer.answer = hang
        await a_webhook(program, server, peer.url("/"), timeout=1)
        events = [an_event(server.id, number) for number in range(EVENTS)]
        await program[FanOut].take(server.id, events)
        await silent.wait()
        peer.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
        wanted = DeliveryFilter(status=DeliveryStatus.WAITING)
        store = program[WebhookDeliveries]
        end = time.monotonic() + PATIENCE
        while (await store.page(server.id, wanted, 1)).values and time.monotonic() < end:
            await asyncio.sleep(0.1)
        assert {one.headers["webhook-id"] for one in peer.requests} == {one.id for one in events}
        done = await store.page(server.id, DeliveryFilter(), 100)
        assert {one.status for one in done.values} == {DeliveryStatus.DELIVERED}
