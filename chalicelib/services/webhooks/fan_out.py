"""Events on their way into the lanes of the webhooks that want them.

What was taken is stored, and somebody will work at its lane. A delivery's id follows from webhook and event, so that
events that come again add nothing. Which webhooks there are is read after the events have happened: a webhook gets all
that happens after it was made.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Sequence

from chalicelib.domain.events.event import Event
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.tenancy.owners import of_server
from chalicelib.domain.tenancy.webhooks import WEBHOOKS, Webhook, WebhookFormat
from chalicelib.domain.webhooks.delivery import WebhookDelivery, delivery_id
from chalicelib.domain.webhooks.lane import MOST_FRESH, LaneJob
from chalicelib.ports.clock import Clock
from chalicelib.ports.recent import Recent
from chalicelib.ports.repository import Repository
from chalicelib.ports.webhook_deliveries import WebhookDeliveries
from chalicelib.ports.webhook_lanes import WebhookLanes


class FanOut:
    """Hands events to webhooks."""

    def __init__(
        self,
        clock: Clock,
        repository: Repository,
        recent: Recent,
        deliveries: WebhookDeliveries,
        lanes: WebhookLanes,
    ) -> None:
        self._clock = clock
        self._repository = repository
        self._recent = recent
        self._deliveries = deliveries
        self._lanes = lanes

    async def wanted(self, server: ServerId) -> int:
        """How many webhooks of the server get events, at this moment: what it has no webhook for is told to nobody,
        ever."""
        return len(await self._recent.ask_now(*self._question(server)) or ())

    async def take(self, server: ServerId, events: Sequence[Event]) -> int:
        """Store the events for each webhook that wants them and wake its lane; how many deliveries are new. The
        webhooks are those that `wanted` found. TemporaryFailure, and then the same events must come again."""
        stored = 0
        for webhook in await self._recent.ask(*self._question(server)) or ():
            stored += await self._take(webhook, events)
        return stored

    async def take_some(
        self, server: ServerId, events: Sequence[Event], after: str, most: int
    ) -> str | None:
        """The same for some of the webhooks, those behind the id `after` by their ids; the last of them, None when none
        is left."""
        known = await self._recent.ask_now(*self._question(server)) or ()
        left = sorted((one for one in known if one.id > after), key=lambda one: one.id)
        for webhook in left[:most]:
            await self._take(webhook, events)
        return left[most - 1].id if len(left) > most else None

    async def _take(self, webhook: Webhook, events: Sequence[Event]) -> int:
        """The same for one webhook."""
        wanted = [one for one in events if wants(webhook, one)]
        deliveries = [self._delivery(webhook, one) for one in wanted]
        if not deliveries:
            return 0
        stored = sum(await self._deliveries.add(deliveries))
        # Also of those that were there: perhaps it ended before it woke the lane.
        ids = [one.id for one in deliveries]
        starts = range(0, len(ids), MOST_FRESH)
        jobs = [tuple(ids[start : start + MOST_FRESH]) for start in starts]
        server = webhook.server_id
        await self._lanes.wake([LaneJob(server, webhook.id, fresh=some) for some in jobs])
        return stored

    def _question(
        self, server: ServerId
    ) -> tuple[Hashable, Callable[[], Awaitable[list[Webhook]]]]:
        async def read() -> list[Webhook]:
            known = await self._repository.all(WEBHOOKS, of_server(server))
            return [one for one in known if one.enabled]

        return ("webhooks", server), read

    def _delivery(self, webhook: Webhook, event: Event) -> WebhookDelivery:
        told, now = event.occurrence, self._clock.now()
        return WebhookDelivery(
            id=delivery_id(webhook.id, event.id, told.at),
            server_id=webhook.server_id,
            webhook=webhook.id,
            event=told.type.value,
            event_id=event.id,
            url=webhook.url,
            payload=_body(webhook, event) or b"",
            created_at=now,
            next_attempt_at=now,
            email=told.email,
        )


def wants(webhook: Webhook, event: Event) -> bool:
    """Whether a webhook gets an event."""
    told = event.occurrence
    if _body(webhook, event) is None:
        return False
    if webhook.events is not None and told.type not in webhook.events:
        return False
    if (webhook.streams, webhook.tags) != (None, None) and told.email is None:
        return False
    if webhook.streams is not None and event.stream not in webhook.streams:
        return False
    return webhook.tags is None or event.tag in webhook.tags


def _body(webhook: Webhook, event: Event) -> bytes | None:
    return event.postal if webhook.format is WebhookFormat.POSTAL else event.v2
