"""What operations on `/api/v2/webhook-deliveries` send and answer.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

from posthorn_client.models.webhooks import EventType, WebhookAttempt

__all__ = [
    "DeliveryStatus",
    "WebhookDelivery",
    "WebhookDeliveryBrief",
    "WebhookDeliveryPage",
    "WebhookReplay",
]

DeliveryStatus = Literal["waiting", "delivered", "failed"]
"""What became of a delivery. What waits may have been tried before."""


class WebhookDeliveryBrief(TypedDict):
    """An event on its way to a webhook, without its body."""

    id: str
    webhook: str
    event: EventType
    event_id: str
    email: int | None
    """The message that it is about."""
    url: str
    status: DeliveryStatus
    created_at: str
    next_attempt_at: str | None


class WebhookDeliveryPage(TypedDict):
    """Deliveries, newest first."""

    has_more: bool
    next_cursor: str | None
    """The `cursor` of the next page."""
    data: list[WebhookDeliveryBrief]


class WebhookReplay(TypedDict):
    """Where to send it once more."""

    url: NotRequired[str | None]
    """Elsewhere; left out: its own URL."""


class WebhookDelivery(WebhookDeliveryBrief):
    """An event on its way to a webhook."""

    payload: str
    """The exact body."""
    attempts: list[WebhookAttempt]
    """The newest 20, oldest first."""
