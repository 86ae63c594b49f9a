"""Operations on `/api/v2/webhook-deliveries`.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from posthorn_client.asking import Asking
from posthorn_client.models.webhook_deliveries import (
    WebhookDelivery,
    WebhookDeliveryBrief,
    WebhookDeliveryPage,
    WebhookReplay,
)
from posthorn_client.models.webhooks import EventType
from posthorn_client.paging import items
from posthorn_client.request import Request, part


class WebhookDeliveriesOperations(Asking):
    """Operations on `/api/v2/webhook-deliveries`."""

    def list_webhook_deliveries(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        webhook: str | None = None,
        event: EventType | None = None,
        email: int | None = None,
        status: Literal["waiting", "delivered", "failed"] | None = None,
        since: str | None = None,
        until: str | None = None,
        tenant: str | None = None,
    ) -> WebhookDeliveryPage:
        """List what was posted to webhooks or waits for that, newest first.

        Needs the scope `webhooks:read`.
        """
        request = Request(
            "GET",
            "/api/v2/webhook-deliveries",
            query={
                "limit": limit,
                "cursor": cursor,
                "webhook": webhook,
                "event": event,
                "email": email,
                "status": status,
                "since": since,
                "until": until,
            },
            tenant=tenant,
        )
        answer: WebhookDeliveryPage = self._json(request)
        return answer

    def all_webhook_deliveries(
        self,
        *,
        webhook: str | None = None,
        event: EventType | None = None,
        email: int | None = None,
        status: Literal["waiting", "delivered", "failed"] | None = None,
        since: str | None = None,
        until: str | None = None,
        tenant: str | None = None,
        limit: int = 100,
    ) -> Iterator[WebhookDeliveryBrief]:
        """The items of all pages of `list_webhook_deliveries`, each asked for when it is needed."""
        return items(
            lambda cursor: self.list_webhook_deliveries(
                limit=limit,
                cursor=cursor,
                webhook=webhook,
                event=event,
                email=email,
                status=status,
                since=since,
                until=until,
                tenant=tenant,
            )
        )

    def show_webhook_delivery(self, id: int | str, *, tenant: str | None = None) -> WebhookDelivery:
        """Show a delivery with its body and its attempts.

        Needs the scope `webhooks:read`.
        """
        request = Request("GET", f"/api/v2/webhook-deliveries/{part(id)}", tenant=tenant)
        answer: WebhookDelivery = self._json(request)
        return answer

    def replay_webhook_delivery(
        self,
        id: int | str,
        body: WebhookReplay,
        *,
        tenant: str | None = None,
        idempotency_key: str | None = None,
    ) -> WebhookDelivery:
        """Send an event once more, also to another URL. It is one attempt, made soon.

        Needs the scope `webhooks:write`.
        """
        request = Request(
            "POST",
            f"/api/v2/webhook-deliveries/{part(id)}/replay",
            body=body,
            tenant=tenant,
            can_repeat=True,
            idempotency_key=idempotency_key,
        )
        answer: WebhookDelivery = self._json(request)
        return answer
