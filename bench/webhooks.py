"""Webhooks on one host: how many a second to a receiver that answers at once, and what hanging ones cost others.

The hanging ones are those of the contract: 50 webhooks of one tenant that take every connection and say nothing, under
10,000 events (`events`). Beside them another tenant's events are posted, and mail is delivered, in the same process.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from tempfile import TemporaryDirectory

import uvloop

from bench.table import Row, bounded, print_table
from bench.tenant import SENDER, Tenant, make_tenant
from bench.web_receivers import Receivers, receivers
from chalicelib.adapters.scripted.egress import ScriptedEgress
from chalicelib.adapters.scripted.resolver import ScriptedResolver
from chalicelib.bootstrap import Posthorn
from chalicelib.config import Settings
from chalicelib.domain.tenancy.servers import Server
from chalicelib.ports.egress import Egress
from chalicelib.ports.resolver import Resolver
from chalicelib.services.outgoing.accept import AcceptMail
from chalicelib.services.outgoing.submission import Recipient, Submission
from chalicelib.services.tenancy.organizations import Organizations
from chalicelib.services.tenancy.servers import Servers
from chalicelib.services.webhooks.fan_out import FanOut
from chalicelib.services.webhooks.places import MOST_OF_A_SERVER
from onehost.deliverers import Deliverers
from onehost.webhooks import WebhookWorkers
from tests.resident_memory import peak_mib
from tests.webhook_events import a_webhook, an_event

HANGING_WEBHOOKS = 50
FAST_EVENTS, MESSAGES = 1_000, 400
CONTENT = b"From: sender@demo.test\r\nSubject: Hello\r\n\r\nHi\r\n"
CONTRACT_SECONDS = 10.0


@dataclass
class Host:
    """The program on files, with whoever works in it."""

    program: Posthorn
    tenant: Tenant
    ports: Receivers
    stop: asyncio.Event

    async def other(self) -> Server:
        """Another tenant's server."""
        organization = await self.program[Organizations].create("Other")
        return await self.program[Servers].create(organization, "Other")

    async def hang(self, events: int) -> None:
        """Give another tenant webhooks that hang, and so many events in all, so that all their places are taken."""
        server = await self.other()
        for number in range(HANGING_WEBHOOKS):
            url = f"http://127.0.0.1:{self.ports.hanging}/{number}"
            await a_webhook(self.program, server, url)
        each = events // HANGING_WEBHOOKS
        for start in range(0, each, 50):
            some = [an_event(server.id, number) for number in range(start, start + 50)]
            await self.program[FanOut].take(server.id, some)
        while self.ports.look()["most"] < MOST_OF_A_SERVER:
            await asyncio.sleep(0.05)

    async def post(self, count: int) -> tuple[float, float]:
        """Seconds, and those of our processor, until a fast receiver has had so many events of another tenant."""
        server = await self.other()
        await a_webhook(self.program, server, f"http://127.0.0.1:{self.ports.fast}/")
        events = [an_event(server.id, number) for number in range(count)]
        before, begun, used = (
            self.ports.look()["answered"],
            time.perf_counter(),
            time.process_time(),
        )
        await self.program[FanOut].take(server.id, events)
        while self.ports.look()["answered"] < before + count:
            await asyncio.sleep(0.01)
        return time.perf_counter() - begun, time.process_time() - used

    async def deliver(self, count: int) -> float:
        """Seconds until so many messages are delivered, accepted and signed by this process."""
        egress = self.program[Egress]
        assert isinstance(egress, ScriptedEgress)
        before, begun = len(egress.received), time.perf_counter()
        for number in range(count):
            to = (Recipient(f"r{number}@example.com"),)
            await self.program[AcceptMail].submit(
                Submission(self.tenant.principal, SENDER, to, CONTENT)
            )
        while len(egress.received) < before + count:
            await asyncio.sleep(0.005)
        return time.perf_counter() - begun


@asynccontextmanager
async def a_host(ports: Receivers) -> AsyncIterator[Host]:
    """A fresh state folder on which one process works at mail and webhooks."""
    resolver, stop = ScriptedResolver(), asyncio.Event()
    resolver.zone["example.com"] = {"MX": [(10, "mx.example.com")]}
    resolver.zone["mx.example.com"] = {"A": ["93.184.216.34"]}
    with TemporaryDirectory() as folder:
        settings = Settings(state_folder=f"{folder}/state", allow_private_destinations=True)
        parts = {Resolver: resolver, Egress: ScriptedEgress()}
        program = Posthorn(settings, "sqlite", parts)
        host = Host(program, await make_tenant(program), ports, stop)
        deliverers = Deliverers(program, "bench", 200)
        tasks = [
            asyncio.create_task(one.run(stop)) for one in (deliverers, WebhookWorkers(program))
        ]
        try:
            yield host
        finally:
            stop.set()
            await asyncio.gather(*tasks)


async def measured(events: int) -> list[Row]:
    """The same work alone, and beside webhooks that hang."""
    with receivers() as ports:
        async with a_host(ports) as host:
            await host.post(50)
            seconds, used = await host.post(FAST_EVENTS)
            alone = await host.deliver(MESSAGES)
        async with a_host(ports) as host:
            await host.post(50)
            before = peak_mib()
            await host.hang(events)
            beside, _ = await host.post(FAST_EVENTS)
            mail = await host.deliver(MESSAGES)
            grown = peak_mib() - before
        most = ports.look()["most"]
    return [
        Row("webhooks to a fast receiver", FAST_EVENTS / seconds, "1/s"),
        Row("CPU of a webhook", used / FAST_EVENTS * 1e3, "ms"),
        _kept("webhooks beside 50 that hang", FAST_EVENTS, seconds, beside),
        bounded(f"the last of {FAST_EVENTS} of another tenant", beside, "s", CONTRACT_SECONDS),
        bounded("requests that hang at a time", most, "", MOST_OF_A_SERVER),
        _kept("mail delivered beside 50 that hang", MESSAGES, alone, mail),
        Row(f"memory for {events} events that hang", grown, "MiB"),
    ]


def _kept(name: str, count: int, alone: float, beside: float) -> Row:
    ratio = alone / beside
    return Row(name, count / beside, "1/s", ratio, ">= 0.7x alone", ratio >= 0.7)


def run(events: int = 10_000) -> list[Row]:
    """The rows, with so many events for those that hang."""
    logging.disable(logging.CRITICAL)
    try:
        with redirect_stdout(StringIO()):  # a line for each message
            return uvloop.run(measured(events))
    finally:
        logging.disable(logging.NOTSET)


if __name__ == "__main__":
    print_table(run())
