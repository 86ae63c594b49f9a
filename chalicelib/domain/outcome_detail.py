"""What must be kept beside a delivery, because the record that tells it moves on: a small JSON object.

`until` is when the message is tried again or its hold ends (epoch seconds), `by` who ended a hold. None for a delivery
that has neither, as most have.
"""

from __future__ import annotations

import json
from typing import Any

from chalicelib.domain.model import Delivery, MessageRecord, Status
from chalicelib.domain.operations import Operation


def outcome_detail(
    after: MessageRecord, delivery: Delivery, operation: Operation | None = None
) -> str | None:
    """Of the delivery that moved a record, now `after`; by hand, where there is an operation."""
    if delivery.status is Status.SOFT_FAIL:
        return _json({"until": after.wake_at}) if after.wake_at else None
    if delivery.status is Status.HELD:
        ends = after.hold_expires_at
        return None if ends is None else _json({"until": ends})
    if delivery.status is Status.HOLD_CANCELLED and operation is not None:
        return _json({"by": actor_of(operation)})
    return None


def actor_of(operation: Operation) -> dict[str, Any]:
    """Who it was, as events show it."""
    return {
        "kind": operation.actor_kind,
        "id": operation.actor_id,
        "name": operation.actor_name,
    }


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
