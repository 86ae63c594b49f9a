"""Deliveries to webhooks with API v2 (api.md 2.17): what became of them, and sending one once more."""

from __future__ import annotations

from chalicelib.api.v2.admission import Call
from chalicelib.api.v2.listing import read_cursor, render_cursor
from chalicelib.api.v2.requests import invalid_at
from chalicelib.api.v2.route import route
from chalicelib.api.v2.webhook_models import (
    WebhookDelivery,
    WebhookDeliveryBrief,
    WebhookDeliveryPage,
    WebhookDeliveryQuery,
    WebhookReplay,
    delivery_brief,
    delivery_shown,
)
from chalicelib.domain.errors import NotFound, Rejected
from chalicelib.domain.numbering import MessageId
from chalicelib.domain.webhooks import delivery as domain
from chalicelib.ports.webhook_deliveries import WebhookDeliveries
from chalicelib.services.webhooks.replays import Replays


async def list_webhook_deliveries(call: Call, query: WebhookDeliveryQuery) -> WebhookDeliveryPage:
    """List what was posted to webhooks or waits for that, newest first."""
    wanted = domain.DeliveryFilter(
        webhook=query.webhook,
        event=None if query.event is None else query.event.value,
        email=None if query.email is None else MessageId(query.email),
        status=query.status,
        since=query.since.timestamp() if query.since else None,
        until=query.until.timestamp() if query.until else None,
    )
    try:
        page = await call.program[WebhookDeliveries].page(
            call.server.id, wanted, query.limit, await read_cursor(call, query)
        )
    except Rejected as error:
        raise invalid_at("/cursor", "cursor", "was not given out for this list") from error
    return WebhookDeliveryPage(
        data=[WebhookDeliveryBrief(**delivery_brief(one)) for one in page.values],
        has_more=page.next_cursor is not None,
        next_cursor=await render_cursor(call, query, page.next_cursor),
    )


async def show_webhook_delivery(call: Call) -> WebhookDelivery:
    """Show a delivery with its body and its attempts."""
    return delivery_shown(await _named(call))


async def replay_webhook_delivery(call: Call, wanted: WebhookReplay) -> WebhookDelivery:
    """Send an event once more, also to another URL. It is one attempt, made soon."""
    delivery = await call.program[Replays].replay(await _named(call), wanted.url)
    return delivery_shown(delivery)


async def _named(call: Call) -> domain.WebhookDelivery:
    name = call.value("id")
    if not domain.is_delivery_id(name):
        raise NotFound("There is no such delivery")
    return await call.program[WebhookDeliveries].get(call.server.id, name)


_ONE = "/webhook-deliveries/{id}"
ROUTES = (
    route(
        "GET /webhook-deliveries",
        list_webhook_deliveries,
        WebhookDeliveryPage,
        query=WebhookDeliveryQuery,
        scope="webhooks:read",
    ),
    route(f"GET {_ONE}", show_webhook_delivery, WebhookDelivery, scope="webhooks:read"),
    route(
        f"POST {_ONE}/replay",
        replay_webhook_delivery,
        WebhookDelivery,
        status=202,
        body=WebhookReplay,
        scope="webhooks:write",
    ),
)
