"""What the bodies of an event are made from: an occurrence, and what was read for it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from chalicelib.domain.engagement import EngagementEvent
from chalicelib.domain.model import Delivery, MessageRecord, Status
from chalicelib.domain.occurrence import EventType, Occurrence
from chalicelib.domain.report import Report
from chalicelib.domain.tenancy.routes import Route
from chalicelib.domain.tenancy.servers import Server

_STATUSES = {
    EventType.EMAIL_RECEIVED: Status.PENDING,
    EventType.EMAIL_SCHEDULED: Status.PENDING,
    EventType.EMAIL_RELEASED: Status.PENDING,
    EventType.EMAIL_DELIVERED: Status.SENT,
    EventType.EMAIL_DELAYED: Status.SOFT_FAIL,
    EventType.EMAIL_FAILED: Status.HARD_FAIL,
    EventType.EMAIL_HELD: Status.HELD,
    EventType.EMAIL_CANCELLED: Status.HOLD_CANCELLED,
    EventType.EMAIL_BOUNCED: Status.BOUNCED,
}
OF_DELIVERIES = frozenset(
    {
        EventType.EMAIL_DELIVERED,
        EventType.EMAIL_DELAYED,
        EventType.EMAIL_FAILED,
        EventType.EMAIL_HELD,
        EventType.EMAIL_CANCELLED,
    }
)
OF_REPORTS = frozenset({EventType.EMAIL_BOUNCED, EventType.EMAIL_COMPLAINED})
OF_HITS = frozenset({EventType.EMAIL_OPENED, EventType.EMAIL_CLICKED})


@dataclass(frozen=True, slots=True)
class Material:
    """The message, for events of messages; of those each what its type needs. `bounce` is the message that a bounce
    report came with, None where it is gone."""

    occurrence: Occurrence
    server: Server
    record: MessageRecord | None = None
    delivery: Delivery | None = None
    report: Report | None = None
    bounce: MessageRecord | None = None
    hit: EngagementEvent | None = None
    route: Route | None = None

    @property
    def status(self) -> Status | None:
        """The status that the message had by the event; None where it is that of now."""
        return _STATUSES.get(self.occurrence.type)

    @property
    def detail(self) -> dict[str, Any]:
        """What the occurrence itself tells."""
        found = json.loads(self.occurrence.detail or "{}")
        return found if isinstance(found, dict) else {}

    @property
    def is_whole(self) -> bool:
        """Whether there is all that the bodies need: what was removed meanwhile is told of no more."""
        told = self.occurrence
        return not (
            (told.email is not None and self.record is None)
            or (told.type in OF_DELIVERIES and self.delivery is None)
            or (told.type in OF_REPORTS and self.report is None)
            or (told.type in OF_HITS and self.hit is None)
        )
