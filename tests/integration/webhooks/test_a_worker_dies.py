"""Whoever hands out events, or posts them, may die at any call of a port: no event is lost, none gets another id."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.bootstrap import Posthorn
from chalicelib.config import Settings
from chalicelib.domain.webhooks.delivery import DeliveryFilter, DeliveryStatus
from chalicelib.domain.webhooks.lane import LaneJob
from chalicelib.ports.http_client import HttpClient
from chalicelib.ports.webhook_deliveries import WebhookDeliveries
from chalicelib.ports.webhook_lanes import WebhookLanes
from chalicelib.services.webhooks.fan_out import FanOut
from chalicelib.services.webhooks.webhooks import Webhooks
from chalicelib.services.webhooks.work_lane import LEASE_SECONDS, WorkLane
from tests.aws_backend import aws_backend, aws_settings
from tests.webhook_events import a_webhook, an_event
from tests.webhook_stage import Receiver
from tests.worlds import Scene, make_scene

__all__ = ["aws_backend", "aws_settings"]
PORTS = (WebhookDeliveries, WebhookLanes, HttpClient)
EVENTS = 4
LEASE_IS_OVER = LEASE_SECONDS * 2


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
        # Of those who work at the same time none goes on.
        if self.left < 0:
            raise Died


class Mortal:
    """A port whose verbs may be the last thing that a process does."""

    def __init__(self, adapter: Any, death: Death) -> None:
        self._adapter = adapter
        self._death = death

    def __getattr__(self, name: str) -> Any:
        verb = getattr(self._adapter, name)

        async def called(*values: Any, **named: Any) -> Any:
            self._death.look()
            answer = await verb(*values, **named)
            self._death.look()
            return answer

        return called


class Play:
    """A tenant with one webhook, and processes that live and die."""

    def __init__(self, scene: Scene, receiver: Receiver) -> None:
        self.scene = scene
        self.receiver = receiver
        self.server = scene.server.id
        self.events = [an_event(self.server, number) for number in range(EVENTS)]

    def process(self, death: Death) -> Posthorn:
        """A process of the same installation, that dies then."""
        healthy = self.scene.posthorn
        parts: dict[Any, Any] = dict(healthy._parts)
        for kind in (FanOut, WorkLane):
            parts.pop(kind, None)
        parts = {kind: part for kind, part in parts.items() if "services" not in kind.__module__}
        parts |= {port: Mortal(healthy[port], death) for port in PORTS}
        made = Posthorn(healthy.settings, healthy._family, parts)
        return made

    async def hand_out(self, death: Death) -> None:
        """The outbox has the same events again until nobody dies at them."""
        try:
            await self.process(death)[FanOut].take(self.server, self.events)
        except Died:
            await self.scene.posthorn[FanOut].take(self.server, self.events)

    async def work(self, webhook: str, death: Death) -> None:
        """A wake-up is handed out again, once its worker was dead for as long as that takes, until nobody dies."""
        ids = tuple(one.id for one in await self.waiting(webhook))
        job = LaneJob(self.server, webhook, fresh=ids)
        try:
            await self.process(death)[WorkLane].run(job, 10)
        except Died:
            self.scene.clock.advance(LEASE_IS_OVER)
        lanes = self.scene.posthorn[WebhookLanes]
        if self.scene.posthorn._family == "sqlite" and await self.waiting(webhook):
            due = await lanes.due(self.scene.clock.now(), 1_000)
            assert webhook in {one.webhook for one in due}, "nobody would look at it again"
        for _ in range(3):
            await self.scene.posthorn[WorkLane].run(job, 10)
            self.scene.clock.advance(LEASE_IS_OVER)

    async def waiting(self, webhook: str) -> list[Any]:
        store = self.scene.posthorn[WebhookDeliveries]
        wanted = DeliveryFilter(webhook=webhook, status=DeliveryStatus.WAITING)
        return list((await store.page(self.server, wanted, 100)).values)


@pytest.fixture(params=["memory", pytest.param("aws", marks=pytest.mark.aws)])
def settings(request: pytest.FixtureRequest) -> Settings | None:
    return None if request.param == "memory" else request.getfixturevalue("aws_settings")


@pytest.mark.parametrize("who", ["hands out", "posts"])
async def test_no_event_is_lost_or_gets_another_id(settings: Settings | None, who: str) -> None:
    receiver = Receiver()
    scene = await make_scene(parts={HttpClient: receiver}, on_aws=settings)
    deaths = 0
    for moment in range(200):
        play = Play(scene, receiver)
        receiver.heard.clear()
        webhook = await a_webhook(scene.posthorn, scene.server, f"https://a.example/{moment}")
        death = Death(moment)
        await play.hand_out(death if who == "hands out" else Death(10_000))
        await play.work(webhook.id, death if who == "posts" else Death(10_000))
        assert set(receiver.ids) == {one.id for one in play.events}, moment
        assert await play.waiting(webhook.id) == []
        await scene.posthorn[Webhooks].remove(webhook)
        scene.clock.advance(60)
        if not death.came:
            break
        deaths += 1
    assert deaths >= 4
