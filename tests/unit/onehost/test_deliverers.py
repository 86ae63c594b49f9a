"""A batch that takes long gives its places back, while others stand beside few enough; mail of both directions has its
handler."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

import pytest

from chalicelib.adapters.sqlite.in_hand import InHand
from chalicelib.bootstrap import Posthorn
from chalicelib.domain.model import Scope, Status
from chalicelib.domain.tenancy.routes import RouteMode
from chalicelib.ports.messages import MessageStore
from chalicelib.services.incoming.accept import AcceptIncoming
from chalicelib.services.incoming.arrivals import IncomingMail, IncomingRecipient
from functions.queue_batch import Invocation
from onehost import deliverers
from tests.incoming_mail import add_route
from tests.patience import PATIENCE
from tests.worlds import make_scene

MOST = 3


@pytest.mark.parametrize(
    ("long_seconds", "beside", "room_then"),
    [
        pytest.param(10 * PATIENCE, 300, 0, id="not long yet"),
        pytest.param(0.0, 0, MOST - 1, id="one slow receiver holds one place"),
        pytest.param(0.0, 300, MOST, id="and none while few are slow"),
    ],
)
async def test_who_takes_long_gives_places_back(
    monkeypatch: pytest.MonkeyPatch, long_seconds: float, beside: int, room_then: int
) -> None:
    monkeypatch.setattr(deliverers, "LONG_SECONDS", long_seconds)
    monkeypatch.setattr(deliverers, "MOST_BESIDE", beside)
    scene = await make_scene()
    started, may_end = asyncio.Event(), asyncio.Event()

    async def attempt(posthorn: Posthorn, batch: Invocation) -> Collection[str]:
        for record in batch.records[1:]:
            batch.ended(record.receipt)
        started.set()
        await may_end.wait()
        batch.ended(batch.records[0].receipt)
        return set()

    monkeypatch.setattr(deliverers, "attempt", attempt)
    await scene.accept("a@slow.test", "b@quick.test", "c@quick.test")
    working, stop = deliverers.Deliverers(scene.posthorn, "p-1", MOST), asyncio.Event()
    run = asyncio.create_task(working.run(stop))
    room = scene.posthorn[InHand].room
    async with asyncio.timeout(PATIENCE):
        await started.wait()
        while room("default") < room_then:
            await asyncio.sleep(0.01)
    assert (room("default"), working.in_hand) == (room_then, MOST if long_seconds else 1)
    may_end.set()
    async with asyncio.timeout(PATIENCE):
        while working.in_hand:
            await asyncio.sleep(0.01)
    assert room("default") == MOST
    stop.set()
    await run


async def test_mail_that_arrived_is_carried_by_the_handler_of_incoming_mail() -> None:
    scene = await make_scene()
    route = await add_route(scene, mode=RouteMode.ACCEPT)
    recipient = IncomingRecipient(scene.server.id, "support@acme.test", (route,))
    mail = IncomingMail("a@b.test", (recipient,), b"From: a@b.test\r\n\r\nHi\r\n")
    (made,) = await scene.posthorn[AcceptIncoming].submit(mail)
    working, stop = deliverers.Deliverers(scene.posthorn, "p-1", MOST), asyncio.Event()
    run = asyncio.create_task(working.run(stop))
    messages = scene.posthorn[MessageStore]
    async with asyncio.timeout(PATIENCE):
        while (
            await messages.get(scene.server.id, made.id, Scope.INCOMING)
        ).status is Status.PENDING:
            await asyncio.sleep(0.01)
    stop.set()
    await run
    record = await messages.get(scene.server.id, made.id, Scope.INCOMING)
    assert record.status is Status.PROCESSED
