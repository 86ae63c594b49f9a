"""What attempts at webhooks count, by webhook."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from chalicelib.domain.durations import HOUR
from chalicelib.domain.groups import Dimension, GroupAddition
from chalicelib.domain.latency import bucket_of


class WebhookCount(StrEnum):
    """Attempts that were answered with success, and the others; how long they took is counted in buckets."""

    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class WebhookAttempt:
    """One attempt at a webhook. `sequence` is a decimal number that rises within the webhook's attempts and is the same
    when the attempt is counted again."""

    sequence: str
    at: float
    seconds: float
    succeeded: bool


def webhook_additions(webhook: str, attempts: Iterable[WebhookAttempt]) -> list[GroupAddition]:
    """What attempts add, in their order."""
    group = ((Dimension.WEBHOOK, webhook),)
    return [
        GroupAddition(
            one.sequence,
            int(one.at // HOUR) * HOUR,
            group,
            {
                WebhookCount.DELIVERED if one.succeeded else WebhookCount.FAILED: 1,
                bucket_of(one.seconds): 1,
            },
        )
        for one in attempts
    ]
