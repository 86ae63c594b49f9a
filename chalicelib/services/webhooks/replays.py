"""Sending deliveries once more because a person asks for it (api.md 2.17).

A replay is one attempt, with the id and the body that the event always had, sent like all that is due. It leaves the
schedule of what waits alone; one to another URL counts for nothing else. One at a time of a delivery waits.
"""

from __future__ import annotations

from dataclasses import replace

from chalicelib.config import Settings
from chalicelib.domain.destination_guard import read_guard
from chalicelib.domain.errors import Conflict, NotFound, wrong_field
from chalicelib.domain.http_url import HttpUrl
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.tenancy.entity import Place
from chalicelib.domain.tenancy.owners import of_server
from chalicelib.domain.tenancy.webhooks import WEBHOOKS, Webhook
from chalicelib.domain.webhooks.delivery import Replay, WebhookDelivery
from chalicelib.domain.webhooks.lane import LaneJob
from chalicelib.ports.repository import Repository
from chalicelib.ports.webhook_deliveries import WebhookDeliveries
from chalicelib.ports.webhook_lanes import WebhookLanes
from chalicelib.services.tenancy.receiver_secrets import ReceiverSecrets
from chalicelib.services.tenancy.receiver_url import HIDDEN, UNKNOWN_USER_INFO, checked_url
from chalicelib.services.webhooks.settle import ChangeDelivery

WAITS = "A replay of this delivery waits; try again once it was sent"


class Replays:
    """Asks for replays."""

    def __init__(
        self,
        settings: Settings,
        repository: Repository,
        deliveries: WebhookDeliveries,
        lanes: WebhookLanes,
        secrets: ReceiverSecrets,
    ) -> None:
        self._repository = repository
        self._deliveries = deliveries
        self._lanes = lanes
        self._secrets = secrets
        self._change = ChangeDelivery(deliveries)
        self._guard = read_guard(settings.allowed_destinations, settings.allow_private_destinations)

    def check(self, url: str) -> HttpUrl:
        """The URL; InvalidRequest for one that nothing is replayed to."""
        read = checked_url(url, self._guard)
        if read.user_info == HIDDEN:
            raise wrong_field("url", UNKNOWN_USER_INFO)
        return read

    async def knows(self, server: ServerId, webhook: str) -> bool:
        """Whether there is such a webhook, so that its deliveries can be replayed."""
        return await self._webhook(server, webhook) is not None

    async def replay(self, delivery: WebhookDelivery, url: str | None = None) -> WebhookDelivery:
        """Have a delivery sent once more, to its own address or to this URL. InvalidRequest for a URL that is none or
        closed; Conflict when its webhook is gone, or another replay of it waits. TemporaryFailure."""
        if url is not None:
            self.check(url)
        webhook = await self._webhook(delivery.server_id, delivery.webhook)
        if webhook is None:
            raise Conflict("The webhook of this delivery was deleted")
        return await self._ask(delivery, webhook, url)

    async def _ask(
        self, delivery: WebhookDelivery, webhook: Webhook, url: str | None
    ) -> WebhookDelivery:
        replay = Replay()
        if url is not None:
            read = checked_url(url, self._guard)
            sealed = await self._secrets.with_user_info(webhook, read.user_info)
            replay = Replay(read.bare, sealed.sealed_user_info)

        def asked(one: WebhookDelivery) -> WebhookDelivery:
            if one.replay is not None:
                raise Conflict(WAITS)
            return replace(one, replay=replay)

        try:
            return await self._change.change(delivery, asked)
        finally:
            # Also for one that waits: perhaps whoever asked for it died before the lane was woken.
            await self._lanes.wake([LaneJob(webhook.server_id, webhook.id, fresh=(delivery.id,))])

    async def _webhook(self, server: ServerId, webhook: str) -> Webhook | None:
        try:
            return await self._repository.get(WEBHOOKS, Place(of_server(server), webhook))
        except NotFound:
            return None
