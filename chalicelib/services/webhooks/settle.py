"""What an attempt means for its delivery and for the lane, and storing it.

A delivery that somebody changed meanwhile, by asking for a replay, gets the attempt all the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from chalicelib.domain.errors import Contended, NotFound
from chalicelib.domain.tenancy.webhooks import Webhook
from chalicelib.domain.webhooks.delivery import DeliveryStatus, WebhookDelivery
from chalicelib.domain.webhooks.schedule import next_attempt
from chalicelib.ports.webhook_deliveries import WebhookDeliveries
from chalicelib.services.webhooks.post_event import Posted

MOST_TRIES = 8


def is_elsewhere(delivery: WebhookDelivery) -> bool:
    """Whether the attempt that is due goes to another URL than the delivery's: it counts for nothing."""
    return delivery.replay is not None and delivery.replay.url is not None


def settled(
    delivery: WebhookDelivery, tried: WebhookDelivery, webhook: Webhook, posted: Posted
) -> WebhookDelivery:
    """The delivery as it is now after an attempt at it, as it was when it was `tried`. A replay that failed leaves what
    waits on its schedule, and what is over as it was."""
    attempt = posted.attempt
    after = delivery.attempted(attempt)
    if tried.replay is not None:
        if delivery.replay == tried.replay:
            after = replace(after, replay=None)
        succeeded = attempt.succeeded and not is_elsewhere(tried)
        return after.ended(DeliveryStatus.DELIVERED) if succeeded else after
    tries = delivery.tries + 1
    after = replace(after, tries=tries)
    if attempt.succeeded:
        return after.ended(DeliveryStatus.DELIVERED)
    if delivery.status is not DeliveryStatus.WAITING:
        return after
    at = attempt.at + attempt.seconds
    due = next_attempt(webhook.retries, tries, attempt.code, posted.asked, at)
    if due is None:
        return after.ended(DeliveryStatus.FAILED)
    return replace(after, next_attempt_at=due)


class ChangeDelivery:
    """Stores a change of a delivery, made again when another came between."""

    def __init__(self, deliveries: WebhookDeliveries) -> None:
        self._deliveries = deliveries

    async def change(
        self, delivery: WebhookDelivery, how: Callable[[WebhookDelivery], WebhookDelivery]
    ) -> WebhookDelivery:
        """The delivery as it is stored. One that has ended meanwhile is only returned. Raises TemporaryFailure."""
        for _ in range(MOST_TRIES):
            after = how(delivery)
            if after == delivery or await self._deliveries.replace(delivery, after):
                return after
            try:
                delivery = await self._deliveries.get(delivery.server_id, delivery.id)
            except NotFound:
                return after
        raise Contended("Too many changes at a time; try again")
