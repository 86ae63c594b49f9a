"""What is on its way to webhooks, and was, brought to the other side: the history, and what still waits.

What waits is woken there. A delivery that is there already stays as it is, so that a move that is run again changes
nothing.
"""

from __future__ import annotations

from collections import defaultdict

from chalicelib.bootstrap import Posthorn
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.webhooks.delivery import DeliveryFilter
from chalicelib.domain.webhooks.lane import LaneJob
from chalicelib.ports.webhook_deliveries import WebhookDeliveries
from chalicelib.ports.webhook_lanes import WebhookLanes

PAGE = 100


async def copy_deliveries(source: Posthorn, target: Posthorn, server: ServerId) -> None:
    """All deliveries of a server, when nobody posts any more."""
    cursor: str | None = None
    while True:
        page = await source[WebhookDeliveries].page(server, DeliveryFilter(), PAGE, cursor)
        await target[WebhookDeliveries].add(page.values)
        waiting: defaultdict[str, list[str]] = defaultdict(list)
        for one in page.values:
            if one.due_at is not None:
                waiting[one.webhook].append(one.id)
        jobs = [LaneJob(server, name, fresh=tuple(ids)) for name, ids in waiting.items()]
        if jobs:
            await target[WebhookLanes].wake(jobs)
        if (cursor := page.next_cursor) is None:
            return
