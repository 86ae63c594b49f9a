"""A worker that dies at any call of a port leaves a message that ends as it should, and one bounce, sent once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from chalicelib.bootstrap import Parts, Posthorn
from chalicelib.domain.model import INCOMING_QUEUE, MessageRecord, Scope, Status
from chalicelib.domain.reply import Reply
from chalicelib.domain.tenancy.routes import RouteMode
from chalicelib.ports.blobs import BlobStore
from chalicelib.ports.egress import Egress, TransactionResult
from chalicelib.ports.idempotency import IdempotencyKeys
from chalicelib.ports.intake import Intake
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.numbers import Numbers
from chalicelib.ports.queue import WorkQueue
from chalicelib.ports.rate_counters import RateCounters
from chalicelib.ports.suppressions import SuppressionList
from chalicelib.services.incoming.pipeline import CarryIncoming
from chalicelib.services.queue.attempt import AttemptDelivery, ReceivedJob
from chalicelib.services.queue.sweep import Sweep
from tests.incoming_mail import add_route
from tests.incoming_play import arrives, smtp_route
from tests.worlds import Scene, beside, make_scene, publish, storing_in_order

PORTS = (
    *(MessageStore, BlobStore, SuppressionList, Numbers, WorkQueue),
    *(Egress, IdempotencyKeys, RateCounters, Intake),
)
Making = Callable[[Posthorn, Parts], Posthorn]


class Died(BaseException):
    """The process is gone: nothing may catch this."""


class Death:
    """Comes at the n-th moment before or after a call of a port."""

    def __init__(self, at: int) -> None:
        self.left = at

    @property
    def came(self) -> bool:
        return self.left < 0

    def look(self) -> None:
        self.left -= 1
        if self.left == -1:
            raise Died


class Mortal:
    """A port whose verbs may be the last thing that a process does."""

    def __init__(self, port: Any, death: Death) -> None:
        self._port = port
        self._death = death

    def __getattr__(self, name: str) -> Any:
        verb = getattr(self._port, name)
        if not asyncio.iscoroutinefunction(verb):
            return verb

        async def mortal(*args: Any, **named: Any) -> Any:
            self._death.look()
            result = await verb(*args, **named)
            self._death.look()
            return result

        return mortal


async def work(program: Posthorn, scene: Scene) -> None:
    while received := await scene.queue.receive(INCOMING_QUEUE, 10):
        jobs = [ReceivedJob(each.job, each.receipt) for each in received if each.job]
        left = await program[AttemptDelivery].run(program[CarryIncoming], jobs)
        await scene.queue.delete([each.receipt for each in received if each.receipt not in left])


async def outgoing(scene: Scene) -> list[MessageRecord]:
    page = await scene.posthorn[MessageStore].page(scene.server.id, Scope.OUTGOING, 50)
    return list(page.values)


async def play(scene: Scene, making: Making, at: int, endpoint: bool) -> bool:
    """One message, a worker that dies at that moment, and others after it; False when none was left to die."""
    publish(scene.posthorn, "away.example")
    if endpoint:
        route = await smtp_route(scene, hostname="93.184.216.35")
        refused = TransactionResult(Reply(550, "5.1.1", "No such user"), "RCPT")
        scene.egress.always("93.184.216.35", refused)
    else:
        route = await add_route(scene, "bounce", mode=RouteMode.BOUNCE)
    message = await arrives(scene, route)
    death = Death(at)
    dying = making(scene.posthorn, {port: Mortal(scene.posthorn[port], death) for port in PORTS})
    with suppress(Died):
        await work(dying, scene)
    healthy = beside(scene.posthorn, {})
    for _ in range(4):
        scene.clock.advance(600)
        await healthy[Sweep].run()
        await work(healthy, scene)
        await scene.deliver_ready()
    record = await scene.record(message)
    assert record.status is Status.HARD_FAIL
    (bounce,) = await outgoing(scene)
    assert bounce.status is Status.SENT
    assert bounce.message.reports_on == message.id
    assert f"<msg:{bounce.message.id}>" in record.deliveries[-1].details
    assert record.bounced_as == bounce.message.id
    to_the_sender = [one for one in scene.egress.received if one.envelope.mail_from == ""]
    assert len(to_the_sender) == 1
    return death.came


@pytest.mark.parametrize("endpoint", [False, True])
@pytest.mark.parametrize("making", [beside, storing_in_order])
async def test_at_every_call(making: Making, endpoint: bool) -> None:
    at = 0
    while await play(await make_scene(), making, at, endpoint):
        at += 1
    assert at >= 20
