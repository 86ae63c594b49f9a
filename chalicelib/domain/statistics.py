"""What is counted of mail, by minute, hour and day; months are the sums of their days.

Pure: a change of a message in, what it adds to which counters out. It keeps nothing. What a change adds follows from
the change alone and never from the time at which it is counted, so that one that is counted late, or looked at again,
adds the same to the same slots.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from chalicelib.domain.changes import (
    Change,
    HitAdded,
    LogEntry,
    Mark,
    Marked,
    MessageChange,
    Operated,
    Reported,
    is_proven,
)
from chalicelib.domain.durations import DAY
from chalicelib.domain.engagement import EngagementKind
from chalicelib.domain.firsts import First, fault_of_recipient, firsts
from chalicelib.domain.latency import bucket_of
from chalicelib.domain.model import Delivery, MessageRecord, Scope, Status
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.operations import RELEASE
from chalicelib.domain.periods import SECONDS, STORED, Period, start_of
from chalicelib.domain.report import ReportKind

Counts = Mapping[str, int]
"""Numbers by their name: that of a Count, or of a bucket of `latency`."""

# How long a slot is kept after it began; days are kept for good.
KEPT_SECONDS = {Period.MINUTE: 7_200, Period.HOUR: 60 * DAY}


class Count(StrEnum):
    """What is counted (contract section 1.13 has the first five)."""

    INCOMING = "incoming"
    OUTGOING = "outgoing"
    SPAM = "spam"
    BOUNCES = "bounces"
    HELD = "held"
    SENT = "sent"
    SOFT_FAILS = "soft_fails"
    HARD_FAILS = "hard_fails"
    OPENS = "opens"
    CLICKS = "clicks"
    COMPLAINTS = "complaints"
    UNSUBSCRIBES = "unsubscribes"
    RELEASED = "released"
    DELAYS = "delays"
    # Outgoing messages, each once: first sent, first failed for good or bounced, first opened and clicked by a person.
    SENT_MESSAGES = "sent_messages"
    FAILED_MESSAGES = "failed_messages"
    OPENED_MESSAGES = "opened_messages"
    CLICKED_MESSAGES = "clicked_messages"
    # Messages that first failed for a reason about their recipient, before and after sending; complaints vouched for.
    REFUSED_MESSAGES = "refused_messages"
    RETURNED_MESSAGES = "returned_messages"
    PROVEN_COMPLAINTS = "proven_complaints"
    # Deliveries by the seconds since their message was accepted, and the sum of these in milliseconds.
    WITHIN_1 = "within_1"
    WITHIN_5 = "within_5"
    WITHIN_15 = "within_15"
    WITHIN_60 = "within_60"
    WITHIN_300 = "within_300"
    WITHIN_900 = "within_900"
    WITHIN_3600 = "within_3600"
    WITHIN_21600 = "within_21600"
    WITHIN_86400 = "within_86400"
    LATER = "later"
    DELIVERY_MS = "delivery_ms"


# The least of these within which a delivery lies counts it; one that lies in none counts as LATER.
WITHIN = {
    count: int(count.removeprefix("within_")) for count in Count if count.startswith("within_")
}
OF_MESSAGES = (
    Count.SENT_MESSAGES,
    Count.FAILED_MESSAGES,
    Count.OPENED_MESSAGES,
    Count.CLICKED_MESSAGES,
    Count.REFUSED_MESSAGES,
    Count.RETURNED_MESSAGES,
    Count.PROVEN_COMPLAINTS,
)
_UNNAMED = {*WITHIN, *OF_MESSAGES, Count.LATER, Count.DELIVERY_MS}
NAMED = tuple(count for count in Count if count not in _UNNAMED)


@dataclass(frozen=True, slots=True)
class Slot:
    """One server's counters from `start` (epoch seconds, a multiple of the period) on, for the length of `period`."""

    server: ServerId
    period: Period
    start: int

    @property
    def keep_until(self) -> int | None:
        """When its counters may be forgotten; None for never."""
        kept = KEPT_SECONDS.get(self.period)
        return None if kept is None else self.start + kept


@dataclass(frozen=True, slots=True)
class Addition:
    """What the change with this number adds to one slot. A change that tells of several minutes adds several times, one
    after the other, to the slots that have them all."""

    sequence: str
    counts: Counts


_CREATED = {Scope.OUTGOING: Count.OUTGOING, Scope.INCOMING: Count.INCOMING}
OUTCOMES = {
    Status.SENT: Count.SENT,
    Status.SOFT_FAIL: Count.SOFT_FAILS,
    Status.HARD_FAIL: Count.HARD_FAILS,
    Status.HELD: Count.HELD,
    Status.BOUNCED: Count.BOUNCES,
}
# What an outgoing message does once, by the field that says when.
_ONCE = {
    "sent_at": Count.SENT_MESSAGES,
    "failed_at": Count.FAILED_MESSAGES,
    "person_opened_at": Count.OPENED_MESSAGES,
    "person_clicked_at": Count.CLICKED_MESSAGES,
}
_FIRSTS = {
    First.SENT.value: Count.SENT_MESSAGES,
    First.FAILED.value: Count.FAILED_MESSAGES,
    First.SPAM.value: Count.SPAM,
    First.REFUSED.value: Count.REFUSED_MESSAGES,
    First.RETURNED.value: Count.RETURNED_MESSAGES,
}
_FIRST_ENGAGEMENTS = {
    EngagementKind.OPEN: Count.OPENED_MESSAGES,
    EngagementKind.CLICK: Count.CLICKED_MESSAGES,
}
_MARKS = {Mark.COMPLAINED: Count.COMPLAINTS, Mark.UNSUBSCRIBED: Count.UNSUBSCRIBES}
_ENGAGEMENTS = {EngagementKind.OPEN: Count.OPENS, EngagementKind.CLICK: Count.CLICKS}


def delivery_counts(seconds: float) -> dict[str, int]:
    """What a delivery counts that came about so long after its message was accepted."""
    seconds = max(0.0, seconds)
    within = next((count for count, most in WITHIN.items() if seconds <= most), Count.LATER)
    return {within: 1, Count.DELIVERY_MS: round(seconds * 1_000)}


def counted(before: MessageRecord | None, after: MessageRecord) -> tuple[tuple[str, float], ...]:
    """What a change of a message counts, each with the time (epoch seconds) that it counts under.

    A new message counts when it was accepted, an outcome when it came about: both are kept in the record. A chart of
    accepted and sent then shows a backlog as what it is, however late the change is looked at. What became of a
    message is read from the deliveries that the change added, by their id, so each attempt counts. What a message does
    once is read from the times that say when it first did.
    """
    found: list[tuple[str, float]] = []
    if before is None:
        found.append((_CREATED[after.message.scope], after.message.received_at))
    added = added_deliveries(before, after)
    for delivery in added:
        if count := OUTCOMES.get(delivery.status):
            found.append((count, delivery.at))
    if before is not None and added and firsts(before, after) & First.SPAM:
        found.append((Count.SPAM, added[-1].at))
    if after.message.scope is Scope.OUTGOING:
        for name, count in _ONCE.items():
            at: float | None = getattr(after, name)
            if at is not None and (before is None or getattr(before, name) is None):
                found += [(each, at) for each in _once(count, after)]
    return tuple(found)


def _once(count: Count, after: MessageRecord) -> list[Count]:
    fault = fault_of_recipient(after) if count is Count.FAILED_MESSAGES else None
    return [count, *([_FIRSTS[fault]] if fault else [])]


def added_deliveries(before: MessageRecord | None, after: MessageRecord) -> list[Delivery]:
    """The deliveries that a change added, by their id."""
    known = {delivery.id for delivery in before.deliveries} if before is not None else set()
    return [delivery for delivery in after.deliveries if delivery.id not in known]


def slot_of(server: ServerId, period: Period, at: float) -> Slot:
    """The server's slot of this length in which a time lies."""
    return Slot(server, period, start_of(period, at))


def slots_of(server: ServerId, at: float) -> tuple[Slot, ...]:
    """The slots in which a time lies: a minute, an hour and a day."""
    return tuple(slot_of(server, period, at) for period in STORED)


def additions(changes: Iterable[Change], now: float) -> dict[Slot, list[Addition]]:
    """What changes add to each slot that is still kept at `now`, in the order of the changes."""
    found: dict[Slot, list[Addition]] = {}
    of_minutes: dict[tuple[ServerId, int], list[list[Addition]]] = {}
    for change in changes:
        server, told, accepted_at = told_by(change)
        for minute, counts in by_slot(told, accepted_at, SECONDS[Period.MINUTE]).items():
            added = Addition(change.sequence, counts)
            if (server, minute) not in of_minutes:
                slots = slots_of(server, minute * SECONDS[Period.MINUTE])
                kept = [one for one in slots if one.keep_until is None or one.keep_until > now]
                of_minutes[server, minute] = [found.setdefault(one, []) for one in kept]
            for each in of_minutes[server, minute]:
                each.append(added)
    return found


def totals(counts: Iterable[Counts]) -> dict[str, int]:
    """The sum of counters; what none of them has is left out."""
    found: dict[str, int] = {}
    for each in counts:
        for count, number in each.items():
            found[count] = found.get(count, 0) + number
    return found


def named_counts(counts: Counts) -> dict[str, int]:
    """The counters that people are shown by their names, nought where there is none."""
    return {count.value: counts.get(count, 0) for count in NAMED}


class Told(NamedTuple):
    """What a change counts for this server, each with the time (epoch seconds) that it counts under; `accepted_at` is
    when its message was accepted, where the change says so."""

    server: ServerId
    counted: list[tuple[str, float]]
    accepted_at: float | None


def told_by(change: Change) -> Told:
    """What a change tells."""
    if isinstance(change, LogEntry):
        return Told(change.server, _of_entry(change), change.accepted_at)
    if isinstance(change, MessageChange):
        message = change.after.message
        counts = list(counted(change.before, change.after))
        return Told(message.server_id, counts, message.received_at)
    return Told(change.server, _of_others(change), None)


def by_slot(
    counted: Iterable[tuple[str, float]], accepted_at: float | None, seconds: int
) -> dict[int, dict[str, int]]:
    """What is counted by the number of its slot, that of 1970 being nought; deliveries with how long they took."""
    found: dict[int, dict[str, int]] = {}
    for count, at in counted:
        counts = found.setdefault(int(at // seconds), {})
        counts[count] = counts.get(count, 0) + 1
        if accepted_at is None:
            continue
        if count is Count.SENT:
            for each, number in delivery_counts(at - accepted_at).items():
                counts[each] = counts.get(each, 0) + number
        elif count is Count.SENT_MESSAGES:
            bucket = bucket_of(at - accepted_at)
            counts[bucket] = counts.get(bucket, 0) + 1
    return found


def _of_entry(entry: LogEntry) -> list[tuple[str, float]]:
    if entry.status is None:
        return [(_CREATED[entry.scope], entry.at)]
    found: list[tuple[str, float]] = []
    if count := OUTCOMES.get(entry.status):
        found.append((count, entry.at))
    if entry.firsts:
        found += [(count, entry.at) for first, count in _FIRSTS.items() if entry.firsts & first]
    return found


def _of_others(change: Change) -> list[tuple[str, float]]:
    match change:
        case HitAdded(kind=kind, at=at, is_first=is_first):
            once = [(_FIRST_ENGAGEMENTS[kind], at)] if is_first else []
            return [(_ENGAGEMENTS[kind], at), *once]
        case Marked(mark=mark, at=at):
            proven = [(Count.PROVEN_COMPLAINTS, at)] if is_proven(change) else []
            return [(_MARKS[mark], at), *proven]
        case Reported(report=report) if report.kind is ReportKind.DELAY:
            return [(Count.DELAYS, report.at)]
        case Operated(operation=operation) if operation.verb == RELEASE:
            return [(Count.RELEASED, operation.at)]
    return []
