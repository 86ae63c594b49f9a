"""When a message record is due and whom it counts against: rules that every message store shares.

A record is at most once among what is due, which follows from the record alone, so that a store only has to keep keys
in step with what it writes.
"""

from __future__ import annotations

from chalicelib.domain.model import Delivery, MessageRecord, State, Status

NEWEST_KEPT = 3


def due_at(record: MessageRecord) -> int | None:
    """When the sweeper should look at a record (epoch seconds): its wake-up, or the end of its hold; None for never."""
    if record.state is State.WAITING and record.by_sweeper:
        return record.wake_at
    if record.state is State.HELD:
        return record.hold_expires_at
    return None


def counts_against_recipient(record: MessageRecord) -> bool:
    """Whether a message failed for good, and for a reason that lies with its recipient."""
    return record.status is Status.HARD_FAIL and not any(
        delivery.about_us for delivery in record.deliveries[-1:]
    )


def added_deliveries(before: MessageRecord, after: MessageRecord) -> tuple[Delivery, ...]:
    """The deliveries of `after` that `before` lacks, by id, in their order."""
    known = {delivery.id for delivery in before.deliveries}
    return tuple(delivery for delivery in after.deliveries if delivery.id not in known)


def recipient_key(address: str) -> str:
    """The form of an address under which recipients are compared: without case, in both its parts. `ß` is not `ss`."""
    return address.lower()
