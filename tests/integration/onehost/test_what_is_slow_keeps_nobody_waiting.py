"""Endpoints, name servers and receivers that hang keep nobody else's mail waiting, and what waits for them loses
nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from chalicelib.adapters.scripted.resolver import ScriptedResolver
from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.mail_schema import MailDatabase
from chalicelib.domain.model import INCOMING_QUEUE, Message, Scope, Status
from chalicelib.domain.smtp.attempt_result import AttemptResult
from chalicelib.domain.smtp.classify import Verdict
from chalicelib.domain.tenancy.endpoints import Endpoint
from chalicelib.domain.tenancy.routes import Route, RouteMode
from chalicelib.domain.tenancy.servers import Server
from chalicelib.ports.messages import MessageStore
from chalicelib.services.incoming.accept import AcceptIncoming
from chalicelib.services.incoming.arrivals import IncomingMail, IncomingRecipient
from chalicelib.services.incoming.attempt import EndpointResult, IncomingAttempt
from chalicelib.services.incoming.http_endpoint import PostToEndpoint
from chalicelib.services.incoming.pipeline import MOST_OF_AN_ENDPOINT
from chalicelib.services.outgoing.smtp_sender import SmtpSender
from chalicelib.services.queue import attempt
from chalicelib.services.tenancy.servers import Servers
from onehost import deliverers
from tests.incoming_mail import add_endpoint, add_route
from tests.patience import PATIENCE
from tests.stores import all_messages
from tests.worlds import Scene, make_scene

if TYPE_CHECKING:
    import pytest

PLACES, MANY = 20, 100
TAKEN = AttemptResult(Verdict.SENT, "Received a 200", "")


class Hanging:
    """Counts who hangs, until they may end."""

    def __init__(self) -> None:
        self.now = self.most = 0
        self.may_end = asyncio.Event()

    async def __call__(self) -> None:
        self.now += 1
        self.most = max(self.most, self.now)
        await self.may_end.wait()
        self.now -= 1


@asynccontextmanager
async def delivering(
    scene: Scene, hanging: Hanging, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[deliverers.Deliverers]:
    monkeypatch.setattr(deliverers, "LONG_SECONDS", 0.05)
    monkeypatch.setattr(attempt, "LONG_SECONDS", 0.05)
    monkeypatch.setattr(deliverers, "LOOK_AGAIN_SECONDS", 0.02)
    working, stop = deliverers.Deliverers(scene.posthorn, "p-1", PLACES), asyncio.Event()
    run = asyncio.create_task(working.run(stop))
    try:
        yield working
    finally:
        hanging.may_end.set()
        stop.set()
        await run


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():
            await asyncio.sleep(0.01)


async def arrived(
    scene: Scene, route: Route, server: Server, mail_from: str, client: str
) -> Message:
    recipient = IncomingRecipient(server.id, f"{route.name}@acme.test", (route,))
    mail = IncomingMail(mail_from, (recipient,), b"From: a@b.test\r\n\r\nHi\r\n", client=client)
    (made,) = await scene.posthorn[AcceptIncoming].submit(mail)
    return made


async def is_sent(scene: Scene, message: Message) -> None:
    store = scene.posthorn[MessageStore]
    async with asyncio.timeout(PATIENCE):
        while (
            await store.get(message.server_id, message.id, message.scope)
        ).status is Status.PENDING:
            await asyncio.sleep(0.01)
    record = await store.get(message.server_id, message.id, message.scope)
    assert record.status in (Status.SENT, Status.PROCESSED)


def waiting(scene: Scene, pool: str) -> list[tuple[int, float]]:
    """How often each job was received that nobody has in hand, and when it comes."""
    now = scene.clock.now()
    statement = "SELECT receives, visible_at FROM queue WHERE pool = ? AND receives = 0"
    found = scene.posthorn[MailDatabase].read(lambda db: fetched(db, statement, (pool,)))
    return [(int(receives), float(at) - now) for receives, at in found]


def jobs_of(scene: Scene, pool: str) -> int:
    """How many there are, in hand or not."""
    statement = "SELECT count(*) FROM queue WHERE pool = ?"
    ((count,),) = scene.posthorn[MailDatabase].read(lambda db: fetched(db, statement, (pool,)))
    return int(count)


async def test_an_endpoint_that_hangs_has_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    scene, hanging = await make_scene(), Hanging()
    other = await scene.posthorn[Servers].create(scene.organization, "Other")
    slow, quick = await add_endpoint(scene), await add_endpoint(scene, other)

    async def deliver(
        self: PostToEndpoint, under_way: IncomingAttempt, endpoint: Endpoint
    ) -> EndpointResult:
        if endpoint.id == slow.id:
            await hanging()
        return EndpointResult(TAKEN)

    monkeypatch.setattr(PostToEndpoint, "deliver", deliver)
    slowly = await add_route(scene, "slow", endpoint=slow.id)
    quickly = await add_route(scene, "quick", other, endpoint=quick.id)
    async with delivering(scene, hanging, monkeypatch) as working:
        for number in range(MANY):
            await arrived(scene, slowly, scene.server, "a@b.test", f"192.0.{number}.1")
        await until(lambda: hanging.now == MOST_OF_AN_ENDPOINT)
        await until(lambda: len(waiting(scene, INCOMING_QUEUE)) == MANY - MOST_OF_AN_ENDPOINT)
        await until(lambda: working.in_hand == MOST_OF_AN_ENDPOINT)
        await is_sent(scene, await arrived(scene, quickly, other, "a@b.test", "192.0.2.1"))
        assert hanging.most == MOST_OF_AN_ENDPOINT
        assert min(seconds for _, seconds in waiting(scene, INCOMING_QUEUE)) >= 1
        hanging.may_end.set()
        await until(lambda: not working.in_hand)
        async with asyncio.timeout(PATIENCE):
            while jobs_of(scene, INCOMING_QUEUE):
                if not working.in_hand:
                    scene.clock.advance(1)
                await asyncio.sleep(0.01)
    for one in all_messages(scene.posthorn):
        record = await scene.posthorn[MessageStore].get(one.server_id, one.id, Scope.INCOMING)
        assert (record.status, record.tries) == (Status.SENT, 0)


async def test_name_servers_that_hang_keep_mail_of_others_from_nowhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene, hanging = await make_scene(), Hanging()
    route = await add_route(scene, mode=RouteMode.ACCEPT)

    async def txt(self: ScriptedResolver, name: str) -> tuple[str, ...]:
        if "tarpit" in name:
            await hanging()
        return ()

    monkeypatch.setattr(ScriptedResolver, "txt", txt)
    async with delivering(scene, hanging, monkeypatch) as working:
        for number in range(PLACES):
            await arrived(scene, route, scene.server, f"a@x{number}.tarpit.test", "198.51.100.1")
        await until(lambda: hanging.now >= PLACES)
        scene.clock.advance(3)
        for number in range(MANY):
            await arrived(scene, route, scene.server, f"a@y{number}.tarpit.test", "198.51.100.2")
        await is_sent(scene, await arrived(scene, route, scene.server, "a@b.test", "192.0.2.1"))
        await until(lambda: len(waiting(scene, INCOMING_QUEUE)) == MANY)
        await until(lambda: working.in_hand == PLACES)


async def test_receivers_that_hang_keep_mail_of_other_servers_from_nowhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene, hanging = await make_scene(), Hanging()
    deliver = SmtpSender.deliver

    async def slowly(self: SmtpSender, message: Message, *about: object) -> AttemptResult:
        if "example.net" in message.rcpt_to:
            await hanging()
        return await deliver(self, message, *about)  # type: ignore[arg-type]

    monkeypatch.setattr(SmtpSender, "deliver", slowly)
    async with delivering(scene, hanging, monkeypatch):
        for number in range(PLACES):
            await scene.accept(f"a@x{number}.example.net")
        await until(lambda: hanging.now == PLACES)
        (other,) = await scene.accept("john@example.com")
        await is_sent(scene, other)
