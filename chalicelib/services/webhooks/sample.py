"""Trying a webhook: an invented event posted at once, to see what its receiver answers (api.md 2.17).

It is sent whatever the webhook wants and whether or not it is enabled, is listed among its deliveries, and does not
come again. What the receiver says changes nothing.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from chalicelib.domain.ids import random_alphanumerics
from chalicelib.domain.occurrence import EventType
from chalicelib.domain.tenancy.servers import Server
from chalicelib.domain.tenancy.uuids import new_uuid
from chalicelib.domain.tenancy.webhooks import Webhook, WebhookFormat
from chalicelib.domain.webhooks.delivery import (
    DeliveryStatus,
    WebhookAttempt,
    WebhookDelivery,
    delivery_id,
)
from chalicelib.ports.clock import Clock
from chalicelib.ports.rand import Rand
from chalicelib.ports.webhook_deliveries import WebhookDeliveries
from chalicelib.services.webhooks.post_event import PostEvent

SECONDS = 20.0
TOKEN_LETTERS = 16


class TryWebhook:
    """Posts samples."""

    def __init__(
        self, clock: Clock, rand: Rand, deliveries: WebhookDeliveries, post: PostEvent
    ) -> None:
        self._clock = clock
        self._rand = rand
        self._deliveries = deliveries
        self._post = post

    async def send(self, server: Server, webhook: Webhook) -> WebhookAttempt:
        """The attempt to post a sample, within SECONDS. TemporaryFailure."""
        now, id = self._clock.now(), new_uuid(self._rand.bytes(16))
        delivery = WebhookDelivery(
            id=delivery_id(webhook.id, id, now),
            server_id=server.id,
            webhook=webhook.id,
            event=EventType.WEBHOOK_TEST.value,
            event_id=id,
            url=webhook.url,
            payload=self._body(server, webhook, id, now),
            created_at=now,
        )
        posted = await self._post.send(await self._post.sender(webhook), delivery, SECONDS)
        attempt = posted.attempt
        status = DeliveryStatus.DELIVERED if attempt.succeeded else DeliveryStatus.FAILED
        await self._deliveries.add([delivery.attempted(attempt).ended(status)])
        return attempt

    def _body(self, server: Server, webhook: Webhook, id: str, now: float) -> bytes:
        if webhook.format is WebhookFormat.POSTAL:
            return _json(self._postal(id, now))
        at = datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds")
        return _json(
            {
                "id": id,
                "type": EventType.WEBHOOK_TEST.value,
                "timestamp": at.replace("+00:00", "Z"),
                "server": server.full_name,
                "data": {"webhook": webhook.id},
            }
        )

    def _postal(self, id: str, now: float) -> dict[str, Any]:
        """MessageSent, of a message that there is not."""
        message = {
            "id": 0,
            "token": random_alphanumerics(self._rand.bytes(32), TOKEN_LETTERS),
            "direction": "outgoing",
            "message_id": f"{id}@example.com",
            "to": "test@example.com",
            "from": "sender@example.com",
            "subject": "Test of a webhook",
            "timestamp": now,
            "spam_status": "NotChecked",
            "tag": None,
        }
        payload = {
            "message": message,
            "status": "Sent",
            "details": "This event was invented to try a webhook",
            "output": "250 2.0.0 OK",
            "sent_with_ssl": True,
            "timestamp": now,
            "time": 0.1,
        }
        return {"event": "MessageSent", "timestamp": now, "payload": payload, "uuid": id}


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
