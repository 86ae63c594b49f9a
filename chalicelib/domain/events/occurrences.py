"""What happened, read from the changes that the mail store tells of: every type of api.md 2.18 that a change tells.

Pure. The same change tells the same occurrences, with the same ids, whichever store tells it and however often.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from chalicelib.domain.changes import (
    UNPROVEN,
    Change,
    Happened,
    HitAdded,
    LogEntry,
    Mark,
    Marked,
    MessageChange,
    Operated,
)
from chalicelib.domain.engagement import EngagementKind
from chalicelib.domain.model import Message, Scope, Status
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.occurrence import EventType, Occurrence
from chalicelib.domain.operations import RELEASE, Operation
from chalicelib.domain.outcome_detail import actor_of, outcome_detail

_OUTCOMES = {
    Status.SENT: EventType.EMAIL_DELIVERED,
    Status.SOFT_FAIL: EventType.EMAIL_DELAYED,
    Status.HARD_FAIL: EventType.EMAIL_FAILED,
    Status.HELD: EventType.EMAIL_HELD,
    Status.HOLD_CANCELLED: EventType.EMAIL_CANCELLED,
    Status.BOUNCED: EventType.EMAIL_BOUNCED,
}
_HITS = {
    EngagementKind.OPEN: EventType.EMAIL_OPENED,
    EngagementKind.CLICK: EventType.EMAIL_CLICKED,
}


def occurrences(change: Change) -> tuple[Occurrence, ...]:
    """What a change tells, in order; of most changes nothing, or one."""
    read: Callable[[Any], tuple[Occurrence, ...]] | None = _READERS.get(type(change))
    return () if read is None else read(change)


def _of_entry(entry: LogEntry) -> tuple[Occurrence, ...]:
    server, message = entry.server, entry.message
    if entry.status is None:
        return _accepted(server, message, entry.scope, entry.at, entry.scheduled_at)
    kind = _OUTCOMES.get(entry.status)
    if kind is None or entry.delivery is None:
        return ()
    return (_outcome(kind, server, message, entry.at, entry.delivery, entry.report, entry.detail),)


def _of_message(change: MessageChange) -> tuple[Occurrence, ...]:
    before, after = change.before, change.after
    message = after.message
    found = () if before is not None else _created(message)
    if not after.deliveries or (before is not None and before.deliveries == after.deliveries):
        return found
    known = {one.id for one in before.deliveries} if before is not None else set()
    last = after.deliveries[-1]
    for one in after.deliveries:
        kind = _OUTCOMES.get(one.status)
        if kind is None or one.id in known:
            continue
        detail = outcome_detail(after, one, change.operation) if one is last else None
        place = (message.server_id, message.id, one.at, one.id, one.report)
        found = (*found, _outcome(kind, *place, detail))
    return found


def _created(message: Message) -> tuple[Occurrence, ...]:
    place = (message.server_id, message.id, message.scope)
    return _accepted(*place, message.received_at, message.scheduled_at)


def _accepted(
    server: ServerId, message: MessageId, scope: Scope, at: float, scheduled_at: float | None
) -> tuple[Occurrence, ...]:
    """A message that came in, or is to be sent later."""
    if scope is Scope.INCOMING:
        return (Occurrence(EventType.EMAIL_RECEIVED, server, at, "", message),)
    if scheduled_at is not None:
        return (Occurrence(EventType.EMAIL_SCHEDULED, server, at, "", message),)
    return ()


def _outcome(
    kind: EventType,
    server: ServerId,
    message: MessageId,
    at: float,
    delivery: int,
    report: int | None,
    detail: str | None,
) -> Occurrence:
    """A delivery, or (a message is Bounced once) the report that it tells of."""
    is_bounce = kind is EventType.EMAIL_BOUNCED and report is not None
    return Occurrence(kind, server, at, str(report if is_bounce else delivery), message, detail)


def _of_hit(hit: HitAdded) -> tuple[Occurrence, ...]:
    return (Occurrence(_HITS[hit.kind], hit.server, hit.at, hit.hit, hit.message),)


def _of_operation(operated: Operated) -> tuple[Occurrence, ...]:
    operation = operated.operation
    if not is_release(operation):
        return ()
    detail = json.dumps({"by": actor_of(operation)}, separators=(",", ":"), ensure_ascii=False)
    what = str(operation.attempt)
    return (
        Occurrence(
            EventType.EMAIL_RELEASED,
            operated.server,
            operation.at,
            what,
            operated.message,
            detail,
        ),
    )


def is_release(operation: Operation) -> bool:
    """Whether it let a message go that was held. One that is retried or replayed is told of by its next delivery."""
    if operation.verb != RELEASE or not operation.before:
        return False
    before = json.loads(operation.before)
    return isinstance(before, dict) and before.get("status") == Status.HELD.value


def _of_mark(marked: Marked) -> tuple[Occurrence, ...]:
    place = marked.server, marked.at
    if marked.mark is Mark.COMPLAINED:
        report = marked.detail.removesuffix(UNPROVEN)
        return (Occurrence(EventType.EMAIL_COMPLAINED, *place, report, marked.message),)
    kind = EventType.EMAIL_UNSUBSCRIBED
    return (Occurrence(kind, *place, "", marked.message, marked.detail),)


def _of_happening(happened: Happened) -> tuple[Occurrence, ...]:
    return (happened.occurrence,)


_READERS: dict[type, Callable[[Any], tuple[Occurrence, ...]]] = {
    LogEntry: _of_entry,
    MessageChange: _of_message,
    HitAdded: _of_hit,
    Operated: _of_operation,
    Marked: _of_mark,
    Happened: _of_happening,
}
