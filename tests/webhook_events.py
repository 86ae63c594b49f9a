"""Events, webhooks and deliveries as tests make them."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from chalicelib.bootstrap import Posthorn
from chalicelib.domain.events.event import Event
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.occurrence import EventType, Occurrence
from chalicelib.domain.tenancy.servers import Server
from chalicelib.domain.tenancy.webhooks import Retries, Webhook, WebhookFormat
from chalicelib.domain.webhooks.delivery import WebhookDelivery, delivery_id
from chalicelib.services.webhooks.webhooks import Webhooks
from tests.fakes import NOW
from tests.patience import PATIENCE

INSTALLATION = uuid.UUID("54529725-8807-4069-ab29-a3746c1bbd98")


def an_event(
    server: ServerId, number: int, kind: EventType = EventType.EMAIL_DELIVERED, **changes: Any
) -> Event:
    """What happened to a message, with bodies of both formats."""
    told = Occurrence(kind, server, NOW + number / 1000, str(number), MessageId(1 + number))
    told = replace(told, **{k: changes.pop(k) for k in ("email", "at") if k in changes})
    id = told.id(INSTALLATION)
    v2 = {"id": id, "type": kind.value, "data": {"email": {"id": told.email}}}
    postal = {"event": "MessageSent", "timestamp": told.at, "payload": {}, "uuid": id}
    event = Event(id, told, json.dumps(v2).encode(), json.dumps(postal).encode(), "transactional")
    return replace(event, **changes)


def a_delivery(server: ServerId, number: int, **changes: Any) -> WebhookDelivery:
    """A delivery that waits for its first attempt."""
    event = an_event(server, number)
    webhook = changes.get("webhook", "whabcdefghij")
    values: dict[str, Any] = {
        "id": delivery_id(webhook, event.id, event.occurrence.at),
        "server_id": server,
        "webhook": webhook,
        "event": event.occurrence.type.value,
        "event_id": event.id,
        "url": "https://app.example/hook",
        "payload": event.v2,
        "created_at": event.occurrence.at,
        "next_attempt_at": event.occurrence.at,
        "email": event.occurrence.email,
    }
    return WebhookDelivery(**(values | changes))


async def eventually(ask: Callable[[], Awaitable[Any]], expected: Any) -> None:
    """Ask until the answer is as expected: indexes and queues lag."""
    end = time.monotonic() + PATIENCE
    while (found := await ask()) != expected:
        assert time.monotonic() < end, f"{found} instead of {expected}"
        await asyncio.sleep(0.01)


async def a_webhook(program: Posthorn, server: Server, url: str, **given: Any) -> Webhook:
    """A webhook that is there."""
    for name, kind in (("format", WebhookFormat), ("retries", Retries)):
        if name in given:
            given[name] = kind(given[name])
    made, _ = await program[Webhooks].create(server, {"url": url, **given})
    return made
