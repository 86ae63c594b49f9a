"""Receivers that answer slowly, hugely, with a redirect or garbage cost one attempt of bounded time and memory.

The attempt says what was wrong.
"""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import AsyncIterator

import pytest

from chalicelib.adapters.scripted.resolver import ScriptedResolver
from chalicelib.bootstrap import Posthorn, in_memory
from chalicelib.config import Settings
from chalicelib.domain.tenancy.credentials import CredentialKind
from chalicelib.domain.tenancy.servers import Server
from chalicelib.domain.tenancy.webhooks import Webhook
from chalicelib.domain.webhooks.delivery import LONGEST_RESPONSE, DeliveryFilter, WebhookDelivery
from chalicelib.domain.webhooks.lane import LaneJob
from chalicelib.ports.webhook_deliveries import WebhookDeliveries
from chalicelib.services.webhooks.fan_out import FanOut
from chalicelib.services.webhooks.work_lane import WorkLane
from tests.http_peer import OK, Answer, HttpPeer
from tests.loopback import free_port
from tests.tenants import make_tenant
from tests.webhook_events import a_webhook, an_event

MOST_MEMORY = 8 * 1024 * 1024


class Scene:
    def __init__(self, program: Posthorn, server: Server) -> None:
        self.program = program
        self.server = server

    async def attempted(self, url: str, **given: object) -> tuple[WebhookDelivery, Webhook]:
        """A delivery after one turn."""
        webhook = await a_webhook(self.program, self.server, url, **({"timeout": 1} | given))
        await self.program[FanOut].take(self.server.id, [an_event(self.server.id, 1)])
        await self.program[WorkLane].run(LaneJob(self.server.id, webhook.id), 10)
        wanted = DeliveryFilter(webhook=webhook.id)
        page = await self.program[WebhookDeliveries].page(self.server.id, wanted, 10)
        (delivery,) = page.values
        return delivery, webhook


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    program = in_memory(Settings(allow_private_destinations=True), live=True)
    server, _ = await make_tenant(program, CredentialKind.API)
    yield Scene(program, server)


async def drip(writer: asyncio.StreamWriter) -> None:
    """A header without an end, a byte at a time."""
    while True:
        writer.write(b"H")
        await writer.drain()
        await asyncio.sleep(0.05)


async def pour(writer: asyncio.StreamWriter) -> None:
    """A body without an end."""
    writer.write(b"HTTP/1.1 500 No\r\nContent-Length: 99999999999\r\n\r\n")
    while True:
        writer.write(b"x" * 65_536)
        await writer.drain()


async def nothing(writer: asyncio.StreamWriter) -> None:
    """It is closed."""


HUGE_HEAD = b"HTTP/1.1 200 OK\r\n" + b"X-Y: " + b"v" * 200_000 + b"\r\n\r\n"
REDIRECT = b"HTTP/1.1 307 Go\r\nLocation: http://127.0.0.1:1/x\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "code", "error"),
    [
        (drip, -1, "Timed out after 1 seconds"),
        (pour, 500, None),
        (nothing, -2, "The connection was closed without an answer"),
        (REDIRECT, 307, None),
        (b"\x00\xff" * 4_096, -2, "The answer is not HTTP"),
        (b"220 mx.example.com ESMTP\r\n", -2, "The answer is not HTTP"),
        (HUGE_HEAD, -2, None),
    ],
    ids=["drips", "pours", "closes", "redirects", "garbage", "SMTP", "a huge header"],
)
async def test_what_is_wrong_is_told(
    scene: Scene, answer: Answer, code: int, error: str | None
) -> None:
    async with HttpPeer(answer) as peer:
        tracemalloc.start()
        delivery, _ = await scene.attempted(peer.url("/"))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < MOST_MEMORY
    (attempt,) = delivery.attempts
    assert (delivery.status, attempt.code) == ("waiting", code)
    assert error is None or attempt.error == error
    assert len(attempt.response) <= LONGEST_RESPONSE
    assert peer.connections == 1


async def test_nobody_and_no_tls_and_a_closed_destination(scene: Scene) -> None:
    delivery, _ = await scene.attempted(f"http://127.0.0.1:{free_port()}/")
    assert delivery.attempts[0].code == -2
    async with HttpPeer(OK, reads=False) as peer:
        delivery, _ = await scene.attempted(f"https://127.0.0.1:{peer.port}/")
    attempt = delivery.attempts[0]
    assert attempt.code == -3
    assert attempt.timings.connect is not None
    assert attempt.timings.tls is None


async def test_a_destination_that_is_closed_by_now_is_blocked() -> None:
    program = in_memory(Settings(), live=True)
    server, _ = await make_tenant(program, CredentialKind.API)
    program[ScriptedResolver].zone["app.example"] = {"A": ["10.0.0.1"]}
    delivery, _ = await Scene(program, server).attempted("http://app.example/")
    attempt = delivery.attempts[0]
    assert (attempt.code, attempt.error) == (-4, "Blocked destination")
