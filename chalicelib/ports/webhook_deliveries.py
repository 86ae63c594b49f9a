"""Events on their way to webhooks, and what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from chalicelib.domain.numbering import ServerId

if TYPE_CHECKING:
    from chalicelib.domain.paging import Page
    from chalicelib.domain.webhooks.delivery import DeliveryFilter, WebhookDelivery


class WebhookDeliveries(Protocol):
    """Deliveries by their ids, for as many days as the setting `webhook_days` says."""

    async def add(self, deliveries: Sequence[WebhookDelivery]) -> list[bool]:
        """Store those that are not there; which of them are new. All are stored, or TemporaryFailure is raised."""

    async def get(self, server: ServerId, delivery: str) -> WebhookDelivery:
        """One delivery; NotFound."""

    async def page(
        self, server: ServerId, wanted: DeliveryFilter, limit: int, cursor: str | None = None
    ) -> Page[WebhookDelivery]:
        """Newest first. A cursor that this server did not get from here raises Rejected."""

    async def due(
        self, server: ServerId, webhook: str, now: float, limit: int, fresh: Sequence[str] = ()
    ) -> list[WebhookDelivery]:
        """Deliveries of a webhook that are due by `now`, those longest due first, replays before all. Of those that
        were never changed, or in the last seconds, only the `fresh` ones are sure to be among them: whoever adds some
        has to hand their ids on."""

    async def next_due(self, server: ServerId, webhook: str) -> float | None:
        """When the next delivery of a webhook is due; None when none waits. It may miss what `due` may miss."""

    async def replace(self, before: WebhookDelivery, after: WebhookDelivery) -> bool:
        """Store `after`, if what is stored is still `before`; False, and nothing changed, when it is not."""
