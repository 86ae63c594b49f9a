"""How a record moves on: each function takes a record as claimed and returns it as it shall be stored.

Every move raises `attempt`, so that wake-ups and claims of the old generation fail (crash rules 2 and 5). Nothing here
stores anything.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from chalicelib.domain.limit_hold import LimitHold
from chalicelib.domain.model import (
    Delivery,
    Message,
    MessageRecord,
    PendingOutcome,
    State,
    Status,
)

_FAILED = frozenset({Status.HARD_FAIL, Status.BOUNCED})


def accepted(message: Message) -> MessageRecord:
    """A new message: its wake-up is queued, or the sweeper sees to it when its schedule says."""
    if message.scheduled_at is None:
        return MessageRecord(message)
    at = math.ceil(message.scheduled_at)
    return MessageRecord(message, wake_at=at, by_sweeper=True, sends_at=at)


def rescheduled(record: MessageRecord, at: float | None, now: int) -> MessageRecord:
    """A scheduled message gets another time, None for now: due at once, so that the sweeper finds it if its wake-up
    gets lost."""
    sends_at = None if at is None else math.ceil(at)
    return replace(
        record,
        attempt=record.attempt + 1,
        wake_at=now if sends_at is None else sends_at,
        by_sweeper=True,
        sends_at=sends_at,
        rescheduled_at=at or 0.0,
    )


def done(record: MessageRecord, delivery: Delivery) -> MessageRecord:
    """The remote host took the message, it is given up, or its hold ended: the delivery says which."""
    return replace(
        record,
        **_moved(record, delivery),
        state=State.DONE,
        held=False,
        limit_hold=None,
        hold_expires_at=None,
        wake_at=0,
        by_sweeper=False,
        last_attempt_at=delivery.at if delivery.log_id else record.last_attempt_at,
    )


def waiting(
    record: MessageRecord, delivery: Delivery, wake_at: int, *, reply_lost: bool = False
) -> MessageRecord:
    """A soft failure or an internal error: try again at `wake_at` (epoch seconds). `reply_lost`: the remote may have
    the message."""
    return replace(
        record,
        **_moved(record, delivery),
        state=State.WAITING,
        tries=record.tries + 1,
        lost_replies=record.lost_replies + reply_lost,
        wake_at=wake_at,
        last_attempt_at=delivery.at,
    )


def left_to_sweeper(record: MessageRecord, longest_wait: int) -> MessageRecord:
    """A record as it shall be stored, left to the sweeper if it waits longer than a queue can hold its wake-up."""
    waits = record.state is State.WAITING
    wait = record.wake_at - int(record.deliveries[-1].at) if waits else 0
    by_sweeper = wait > longest_wait
    # Most records are done, and a copy of one takes as long as writing it.
    return record if record.by_sweeper is by_sweeper else replace(record, by_sweeper=by_sweeper)


def held(
    record: MessageRecord,
    delivery: Delivery,
    expires_at: int | None,
    limit: LimitHold | None = None,
) -> MessageRecord:
    """The message waits for a person until `expires_at` (contract section 4, holds), or for its turn in the line of a
    limit; then what a person decided before still stands."""
    return replace(
        record,
        **_moved(record, delivery),
        state=State.HELD,
        held=True,
        released=record.released and limit is not None,
        limit_hold=limit,
        hold_expires_at=expires_at,
        wake_at=0,
        by_sweeper=False,
    )


def released(record: MessageRecord, now: int) -> MessageRecord:
    """A person sends the message on: due at once, so that the sweeper finds it if its wake-up gets lost."""
    return replace(
        record,
        status=Status.PENDING,
        state=State.WAITING,
        attempt=record.attempt + 1,
        tries=0,
        lost_replies=0,
        lease_owner="",
        lease_until=0,
        wake_at=now,
        by_sweeper=True,
        held=False,
        hold_expires_at=None,
        taken_over=False,
        released=True,
        sends_at=None,
        limit_hold=None,
    )


def let_go(record: MessageRecord, wake_at: int, *, counted: bool) -> MessageRecord:
    """A limit that held the message has a place for it, which it takes with it: due at `wake_at`. Who lets it go sees
    to its wake-up, whatever happens."""
    sent_on = released(record, wake_at)
    return replace(sent_on, released=record.released, counted=counted, by_sweeper=False)


def pending_outcome(before: MessageRecord, after: MessageRecord) -> PendingOutcome:
    """What must be remembered of an attempt whose end could not be stored."""
    return PendingOutcome(
        owner=before.lease_owner,
        state=after.state,
        tries=after.tries,
        wake_at=after.wake_at,
        by_sweeper=after.by_sweeper,
        hold_expires_at=after.hold_expires_at,
        delivery=after.deliveries[-1],
        lost_replies=after.lost_replies,
        bounce_of=after.bounce_of,
        bounced_as=after.bounced_as,
        inspection=after.inspection,
        counted=after.counted,
        limit_hold=after.limit_hold,
        provider=after.provider,
        checked=after.checked,
    )


def ended(record: MessageRecord, outcome: PendingOutcome) -> MessageRecord:
    """A leased record as the outcome says it ended."""
    return replace(
        record,
        **_moved(record, outcome.delivery),
        state=outcome.state,
        tries=outcome.tries,
        lost_replies=outcome.lost_replies,
        bounce_of=outcome.bounce_of or record.bounce_of,
        bounced_as=outcome.bounced_as or record.bounced_as,
        inspection=outcome.inspection or record.inspection,
        released=record.released
        and (outcome.state is not State.HELD or outcome.limit_hold is not None),
        counted=record.counted or outcome.counted,
        limit_hold=outcome.limit_hold,
        provider=outcome.provider or record.provider,
        checked=outcome.checked or record.checked,
        wake_at=outcome.wake_at,
        by_sweeper=outcome.by_sweeper,
        held=outcome.state is State.HELD,
        hold_expires_at=outcome.hold_expires_at,
        last_attempt_at=outcome.delivery.at,
    )


def _moved(record: MessageRecord, delivery: Delivery) -> dict[str, Any]:
    """What every move changes."""
    sent, failed = record.sent_at, record.failed_at
    if sent is None and delivery.status is Status.SENT:
        sent = delivery.at
    if failed is None and delivery.status in _FAILED:
        failed = delivery.at
    return {
        "status": delivery.status,
        "sends_at": None,
        "sent_at": sent,
        "failed_at": failed,
        "attempt": record.attempt + 1,
        "lease_owner": "",
        "lease_until": 0,
        "taken_over": False,
        "deliveries": (*record.deliveries, delivery),
    }
