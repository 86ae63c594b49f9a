"""Webhooks with API v2 (api.md 2.17): where a server's events are posted."""

from __future__ import annotations

from typing import Any

from chalicelib.api.v2.admission import Call
from chalicelib.api.v2.listing import page
from chalicelib.api.v2.objects import PageQuery
from chalicelib.api.v2.route import route
from chalicelib.api.v2.webhook_models import (
    Webhook,
    WebhookAttempt,
    WebhookPage,
    WebhookToChange,
    WebhookToMake,
    WebhookWithSecret,
    attempt_shown,
    webhook_shown,
)
from chalicelib.domain.tenancy import webhooks as tenancy
from chalicelib.services.tenancy.request_signatures import RequestSignatures
from chalicelib.services.webhooks.sample import TryWebhook
from chalicelib.services.webhooks.webhooks import Webhooks


async def list_webhooks(call: Call, query: PageQuery) -> WebhookPage:
    """List the webhooks of the server, newest first."""
    found = await call.program[Webhooks].of(call.server)
    key = await _key(call)

    def shown(one: tenancy.Webhook) -> Webhook:
        return Webhook(**webhook_shown(one, key))

    return WebhookPage(**await page(call, query, found, _position, shown))


async def create_webhook(call: Call, wanted: WebhookToMake) -> WebhookWithSecret:
    """Make a webhook. Its secret is in this answer alone."""
    given = {name: getattr(wanted, name) for name in wanted.model_fields_set}
    made, secret = await call.program[Webhooks].create(call.server, given)
    return WebhookWithSecret(**webhook_shown(made, await _key(call)), secret=secret)


async def show_webhook(call: Call) -> Webhook:
    """Show a webhook."""
    return await _shown(call, await _named(call))


async def change_webhook(call: Call, change: WebhookToChange) -> Webhook:
    """Change a webhook. Disabled, what waits for it fails; a new URL is for new events."""
    webhook, given = await _named(call), change.given()
    if given:
        webhook = await call.program[Webhooks].change(webhook, given)
    return await _shown(call, webhook)


async def delete_webhook(call: Call) -> None:
    """Delete a webhook. What waits for it fails."""
    await call.program[Webhooks].remove(await _named(call))


async def enable_webhook(call: Call) -> Webhook:
    """Have events posted to a webhook again."""
    return await _shown(call, await call.program[Webhooks].enable(await _named(call)))


async def rotate_webhook(call: Call) -> WebhookWithSecret:
    """Give a webhook a new secret; the old one signs for 24 hours more."""
    webhook, secret = await call.program[Webhooks].rotate(await _named(call))
    return WebhookWithSecret(**webhook_shown(webhook, await _key(call)), secret=secret)


async def test_webhook(call: Call) -> WebhookAttempt:
    """Post a sample to a webhook now, and show what it answers within 20 seconds."""
    return attempt_shown(await call.program[TryWebhook].send(call.server, await _named(call)))


async def _named(call: Call) -> tenancy.Webhook:
    return await call.program[Webhooks].get(call.server, call.value("id"))


async def _shown(call: Call, webhook: tenancy.Webhook) -> Webhook:
    return Webhook(**webhook_shown(webhook, await _key(call)))


async def _key(call: Call) -> str:
    return await call.program[RequestSignatures].public_key()


def _position(webhook: tenancy.Webhook) -> str:
    return f"{webhook.created_at:012d} {webhook.id}"


_READ: dict[str, Any] = {"scope": "webhooks:read"}
_WRITE: dict[str, Any] = {"scope": "webhooks:write"}
_ONE = "/webhooks/{id}"
ROUTES = (
    route("GET /webhooks", list_webhooks, WebhookPage, query=PageQuery, **_READ),
    route(
        "POST /webhooks",
        create_webhook,
        WebhookWithSecret,
        status=201,
        body=WebhookToMake,
        location=_ONE,
        shows_secret=True,
        **_WRITE,
    ),
    route(f"GET {_ONE}", show_webhook, Webhook, **_READ),
    route(f"PATCH {_ONE}", change_webhook, Webhook, body=WebhookToChange, **_WRITE),
    route(f"DELETE {_ONE}", delete_webhook, None, status=204, **_WRITE),
    route(f"POST {_ONE}/enable", enable_webhook, Webhook, **_WRITE),
    route(f"POST {_ONE}/test", test_webhook, WebhookAttempt, rate="test", **_WRITE),
    route(f"POST {_ONE}/rotate", rotate_webhook, WebhookWithSecret, shows_secret=True, **_WRITE),
)
