"""A tenant whose webhooks are played: receivers that answer as told, and whoever works at lanes, turn by turn."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from chalicelib.bootstrap import Parts, Posthorn
from chalicelib.config import Settings
from chalicelib.domain.http_exchange import HttpAnswer, HttpRequest
from chalicelib.domain.occurrence import EventType
from chalicelib.domain.tenancy.webhooks import Webhook
from chalicelib.domain.webhooks.delivery import DeliveryFilter, WebhookDelivery
from chalicelib.domain.webhooks.lane import LaneJob
from chalicelib.ports.http_client import HttpClient
from chalicelib.ports.webhook_deliveries import WebhookDeliveries
from chalicelib.services.webhooks.fan_out import FanOut
from chalicelib.services.webhooks.webhooks import Webhooks
from chalicelib.services.webhooks.work_lane import WorkLane
from tests.webhook_events import a_webhook, an_event
from tests.worlds import Scene, make_scene

URL = "https://app.example/hook"
TURN_SECONDS = 10.0
OK = HttpAnswer(200, body=b"ok")
Answering = Callable[[HttpRequest], HttpAnswer]


@dataclass
class Receiver(HttpClient):
    """The web servers of the world: `answer` is what they all say. An answer takes its `seconds` of nobody's time."""

    answer: HttpAnswer | Answering = OK
    heard: list[HttpRequest] = field(default_factory=list)

    async def send(self, request: HttpRequest) -> HttpAnswer:
        self.heard.append(request)
        return self.answer if isinstance(self.answer, HttpAnswer) else self.answer(request)

    @property
    def ids(self) -> list[str]:
        """The ids of events that were heard."""
        return [dict(one.headers)["webhook-id"] for one in self.heard]


@dataclass
class Stage:
    """A scene with one receiver for all its webhooks."""

    scene: Scene
    receiver: Receiver

    @property
    def program(self) -> Posthorn:
        return self.scene.posthorn

    async def webhook(self, url: str = URL, **given: Any) -> Webhook:
        return await a_webhook(self.program, self.scene.server, url, **given)

    async def happens(
        self, *numbers: int, kind: EventType = EventType.EMAIL_DELIVERED, **changes: Any
    ) -> int:
        """Hand over events of these numbers."""
        server = self.scene.server.id
        events = [an_event(server, number, kind, **changes) for number in numbers]
        return await self.program[FanOut].take(server, events)

    async def turn(self, webhook: Webhook, seconds: float = TURN_SECONDS) -> int:
        """Work at a lane, by whoever it may be worked at, until nothing is due there."""
        total = 0
        for is_slow in (False, True, False):
            fresh = [one.id for one in await self.listed(webhook) if one.due_at is not None]
            job = LaneJob(webhook.server_id, webhook.id, is_slow=is_slow, fresh=tuple(fresh))
            total += await self.program[WorkLane].run(job, seconds)
        return total

    async def later(self, webhook: Webhook, seconds: float) -> int:
        """The same after some time."""
        self.scene.clock.advance(seconds)
        return await self.turn(webhook)

    async def listed(self, webhook: Webhook | None = None) -> list[WebhookDelivery]:
        """Its deliveries, oldest first."""
        wanted = DeliveryFilter(webhook=None if webhook is None else webhook.id)
        store, server = self.program[WebhookDeliveries], self.scene.server.id
        found: list[WebhookDelivery] = []
        cursor: str | None = None
        while True:
            page = await store.page(server, wanted, 100, cursor)
            found += page.values
            if (cursor := page.next_cursor) is None:
                return found[::-1]

    async def now(self, webhook: Webhook) -> Webhook:
        """The webhook as it is configured at this moment."""
        return await self.program[Webhooks].get(self.scene.server, webhook.id)


async def make_stage(
    settings: Settings | None = None, *, on_aws: Settings | None = None, parts: Parts | None = None
) -> Stage:
    """A stage in memory, or on AWS."""
    receiver = Receiver()
    given: Parts = {HttpClient: receiver, **(parts or {})}
    return Stage(await make_scene(settings, parts=given, on_aws=on_aws), receiver)


def body_of(request: HttpRequest) -> Any:
    return json.loads(request.body)


def failing(code: int = 500, **fields: Any) -> HttpAnswer:
    """An answer that is none that one wants."""
    return replace(HttpAnswer(code), **fields)


def statuses(deliveries: Sequence[WebhookDelivery]) -> list[str]:
    return [one.status.value for one in deliveries]
