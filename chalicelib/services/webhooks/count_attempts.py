"""Counts attempts at webhooks, for those who make them: by webhook, with how long they took."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.domain.numbering import ServerId
from chalicelib.domain.webhook_counts import WebhookAttempt, webhook_additions
from chalicelib.ports.group_counts import GroupCounts


class CountWebhooks:
    """Adds attempts to the counters of groups."""

    def __init__(self, groups: GroupCounts) -> None:
        self._groups = groups

    async def take(
        self, server: ServerId, webhook: str, attempts: Sequence[WebhookAttempt]
    ) -> None:
        """Count the attempts of one turn at a webhook, in the order of their numbers; those that were counted before
        count no more. All that one turn made should come together: on AWS each call costs a write."""
        await self._groups.add(f"W{webhook}", server, webhook_additions(webhook, attempts))
