"""Operations on `/api/v2/webhooks`.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from collections.abc import Iterator

from posthorn_client.asking import Asking
from posthorn_client.models.webhooks import (
    Webhook,
    WebhookAttempt,
    WebhookPage,
    WebhookToChange,
    WebhookToMake,
    WebhookWithSecret,
)
from posthorn_client.paging import items
from posthorn_client.request import Request, part


class WebhooksOperations(Asking):
    """Operations on `/api/v2/webhooks`."""

    def list_webhooks(
        self, *, limit: int | None = None, cursor: str | None = None, tenant: str | None = None
    ) -> WebhookPage:
        """List the webhooks of the server, newest first.

        Needs the scope `webhooks:read`.
        """
        request = Request(
            "GET", "/api/v2/webhooks", query={"limit": limit, "cursor": cursor}, tenant=tenant
        )
        answer: WebhookPage = self._json(request)
        return answer

    def all_webhooks(self, *, tenant: str | None = None, limit: int = 100) -> Iterator[Webhook]:
        """The items of all pages of `list_webhooks`, each asked for when it is needed."""
        return items(lambda cursor: self.list_webhooks(limit=limit, cursor=cursor, tenant=tenant))

    def create_webhook(
        self, body: WebhookToMake, *, tenant: str | None = None, idempotency_key: str | None = None
    ) -> WebhookWithSecret:
        """Make a webhook. Its secret is in this answer alone.

        Needs the scope `webhooks:write`.
        """
        request = Request(
            "POST",
            "/api/v2/webhooks",
            body=body,
            tenant=tenant,
            can_repeat=True,
            idempotency_key=idempotency_key,
        )
        answer: WebhookWithSecret = self._json(request)
        return answer

    def show_webhook(self, id: int | str, *, tenant: str | None = None) -> Webhook:
        """Show a webhook.

        Needs the scope `webhooks:read`.
        """
        request = Request("GET", f"/api/v2/webhooks/{part(id)}", tenant=tenant)
        answer: Webhook = self._json(request)
        return answer

    def change_webhook(
        self, id: int | str, body: WebhookToChange, *, tenant: str | None = None
    ) -> Webhook:
        """Change a webhook. Disabled, what waits for it fails; a new URL is for new events.

        Needs the scope `webhooks:write`.
        """
        request = Request("PATCH", f"/api/v2/webhooks/{part(id)}", body=body, tenant=tenant)
        answer: Webhook = self._json(request)
        return answer

    def delete_webhook(self, id: int | str, *, tenant: str | None = None) -> None:
        """Delete a webhook. What waits for it fails.

        Needs the scope `webhooks:write`.
        """
        request = Request("DELETE", f"/api/v2/webhooks/{part(id)}", tenant=tenant)
        self._nothing(request)

    def enable_webhook(
        self, id: int | str, *, tenant: str | None = None, idempotency_key: str | None = None
    ) -> Webhook:
        """Have events posted to a webhook again.

        Needs the scope `webhooks:write`.
        """
        request = Request(
            "POST",
            f"/api/v2/webhooks/{part(id)}/enable",
            tenant=tenant,
            can_repeat=True,
            idempotency_key=idempotency_key,
        )
        answer: Webhook = self._json(request)
        return answer

    def test_webhook(
        self, id: int | str, *, tenant: str | None = None, idempotency_key: str | None = None
    ) -> WebhookAttempt:
        """Post a sample to a webhook now, and show what it answers within 20 seconds.

        At most 30 times in 60 seconds for what the path names. Needs the scope
        `webhooks:write`.
        """
        request = Request(
            "POST",
            f"/api/v2/webhooks/{part(id)}/test",
            tenant=tenant,
            can_repeat=True,
            idempotency_key=idempotency_key,
        )
        answer: WebhookAttempt = self._json(request)
        return answer

    def rotate_webhook(
        self, id: int | str, *, tenant: str | None = None, idempotency_key: str | None = None
    ) -> WebhookWithSecret:
        """Give a webhook a new secret; the old one signs for 24 hours more.

        Needs the scope `webhooks:write`.
        """
        request = Request(
            "POST",
            f"/api/v2/webhooks/{part(id)}/rotate",
            tenant=tenant,
            can_repeat=True,
            idempotency_key=idempotency_key,
        )
        answer: WebhookWithSecret = self._json(request)
        return answer
