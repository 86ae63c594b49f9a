"""Which lists a message record belongs to: rules that every message store shares.

A record is in at most one flag list and at most once among what is due, and both follow from the record alone, so that
a store only has to keep keys in step with what it writes.
"""

from __future__ import annotations

from chalicelib.domain.model import Delivery, MessageRecord, State, Status

FLAGS = ("held", "queued", "scheduled", "failed", "bounced")
NEWEST_KEPT = 3


def flag_of(record: MessageRecord) -> str | None:
    """The flag list of a record: `held`, `queued` (failed softly and not over), `scheduled`, `failed`, `bounced`,
    or None.

    A leased message stays where it was, so that a claim never moves an index key.
    """
    if record.held or record.state is State.HELD:
        return "held"
    if record.status in (Status.SOFT_FAIL, Status.ERROR) and record.state is not State.DONE:
        return "queued"
    if record.sends_at is not None and record.state is not State.DONE:
        return "scheduled"
    if record.status is Status.HARD_FAIL:
        return "failed"
    if record.status is Status.BOUNCED:
        return "bounced"
    return None


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
