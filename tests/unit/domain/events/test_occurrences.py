"""Every type of event is told by the change that it follows from, alike by both kinds of store, with the same id."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain import lifecycle
from chalicelib.domain.changes import (
    Change,
    Happened,
    HitAdded,
    LogEntry,
    Mark,
    Marked,
    MessageChange,
    Operated,
    Reported,
)
from chalicelib.domain.engagement import EngagementKind
from chalicelib.domain.events.occurrences import occurrences
from chalicelib.domain.model import MessageRecord, Scope, Status
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.occurrence import EventType, Occurrence
from chalicelib.domain.outcome_detail import outcome_detail
from tests.fakes import NOW, a_delivery, a_message, a_report, an_operation

SERVER = ServerId(4711)
ONE = MessageId(1)
NEW = MessageRecord(a_message(SERVER, 1))


def told(change: Change) -> list[tuple[EventType, str, float, str | None]]:
    found = occurrences(change)
    assert all(one.server == SERVER for one in found)
    return [(one.type, one.what, one.at, one.detail) for one in found]


def entry(status: Status | None, at: float, **changes: Any) -> LogEntry:
    return replace(LogEntry("8", SERVER, ONE, Scope.OUTGOING, status, at), **changes)


@pytest.mark.parametrize(
    ("scope", "scheduled_at", "kind"),
    [
        (Scope.INCOMING, None, EventType.EMAIL_RECEIVED),
        (Scope.OUTGOING, NOW + 900.0, EventType.EMAIL_SCHEDULED),
        (Scope.OUTGOING, None, None),
    ],
)
def test_of_what_is_stored(
    scope: Scope, scheduled_at: float | None, kind: EventType | None
) -> None:
    message = a_message(SERVER, 1, scope=scope, scheduled_at=scheduled_at)
    log = entry(None, message.received_at, scope=scope, scheduled_at=scheduled_at)
    found = occurrences(MessageChange("7", None, MessageRecord(message)))
    assert found == occurrences(log)
    assert [one.type for one in found] == ([] if kind is None else [kind])
    assert all((one.at, one.email) == (message.received_at, ONE) for one in found)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (Status.SENT, EventType.EMAIL_DELIVERED),
        (Status.SOFT_FAIL, EventType.EMAIL_DELAYED),
        (Status.HARD_FAIL, EventType.EMAIL_FAILED),
        (Status.HELD, EventType.EMAIL_HELD),
        (Status.HOLD_CANCELLED, EventType.EMAIL_CANCELLED),
        (Status.BOUNCED, EventType.EMAIL_BOUNCED),
        (Status.PROCESSED, None),
        (Status.ERROR, None),
        (Status.PENDING, None),
    ],
)
def test_of_each_outcome(status: Status, kind: EventType | None) -> None:
    delivery = a_delivery(31, status, report=9)
    after = lifecycle.done(NEW, delivery)
    found = occurrences(MessageChange("7", NEW, after))
    assert found == occurrences(entry(status, delivery.at, delivery=31, report=9))
    assert [one.type for one in found] == ([] if kind is None else [kind])
    what = "9" if status is Status.BOUNCED else "31"
    assert all((one.what, one.at, one.email) == (what, delivery.at, ONE) for one in found)


def test_each_delivery_that_is_new_is_told_once() -> None:
    first = lifecycle.waiting(NEW, a_delivery(1, Status.SOFT_FAIL), NOW + 120)
    second = lifecycle.waiting(first, a_delivery(2, Status.SOFT_FAIL), NOW + 300)
    assert told(MessageChange("7", first, second)) == [
        (EventType.EMAIL_DELAYED, "2", NOW + 1.5, f'{{"until":{NOW + 300}}}')
    ]
    assert told(MessageChange("8", second, replace(second, opened_at=1.0))) == []
    assert told(MessageChange("9", second, replace(second, deliveries=()))) == []


def test_a_hold_says_when_it_ends_and_who_ended_it() -> None:
    held = lifecycle.held(NEW, a_delivery(5, Status.HELD), NOW + 9_999)
    assert told(MessageChange("7", NEW, held)) == [
        (EventType.EMAIL_HELD, "5", NOW + 1.5, f'{{"until":{NOW + 9_999}}}')
    ]
    cancelled = lifecycle.done(held, a_delivery(6, Status.HOLD_CANCELLED))
    by_hand = an_operation("cancel", 1)
    who = '{"by":{"kind":"key","id":"mkabcdefghij","name":"Größer"}}'
    assert told(MessageChange("8", held, cancelled, by_hand))[0][3] == who
    assert told(MessageChange("8", held, cancelled))[0][3] is None
    assert outcome_detail(cancelled, cancelled.deliveries[-1], by_hand) == who


@pytest.mark.parametrize(
    ("verb", "before", "is_told"),
    [
        ("release", '{"status":"Held"}', True),
        ("retry", '{"status":"Held"}', False),
        ("replay", '{"status":"Held"}', False),
        ("retry", '{"status":"SoftFail"}', False),
        ("hold", '{"status":"Pending"}', False),
        ("cancel", '{"status":"Held"}', False),
        ("bounce", '{"status":"Held"}', False),
        ("resend", "", False),
    ],
)
def test_of_what_is_done_by_hand(verb: str, before: str, is_told: bool) -> None:
    operation = an_operation(verb, 1, before=before, attempt=3)
    found = told(Operated("7", SERVER, ONE, operation))
    who = '{"by":{"kind":"key","id":"mkabcdefghij","name":"Größer"}}'
    expected = [(EventType.EMAIL_RELEASED, "3", float(NOW), who)]
    assert found == (expected if is_told else [])


def test_of_hits_marks_and_what_happened_beside() -> None:
    opened = HitAdded("7", SERVER, EngagementKind.OPEN, NOW, ONE, "12")
    assert told(opened) == [(EventType.EMAIL_OPENED, "12", NOW, None)]
    clicked = replace(opened, kind=EngagementKind.CLICK)
    assert told(clicked) == [(EventType.EMAIL_CLICKED, "12", NOW, None)]
    complained = Marked("7", SERVER, ONE, Mark.COMPLAINED, NOW, "17")
    assert told(complained) == [(EventType.EMAIL_COMPLAINED, "17", NOW, None)]
    unsubscribed = Marked("7", SERVER, ONE, Mark.UNSUBSCRIBED, NOW, '{"address":"x"}')
    assert told(unsubscribed) == [(EventType.EMAIL_UNSUBSCRIBED, "", NOW, '{"address":"x"}')]
    happened = Occurrence(EventType.SUPPRESSION_REMOVED, SERVER, NOW, "d1", detail="{}")
    assert occurrences(Happened("7", SERVER, happened)) == (happened,)
    assert told(Reported("7", SERVER, a_report(1, ONE, MessageId(2)))) == []


def test_ids_are_of_one_thing_in_one_installation() -> None:
    home, other = uuid.uuid4(), uuid.uuid4()
    one = Occurrence(EventType.EMAIL_OPENED, SERVER, NOW, "12", ONE)
    assert one.id(home) == replace(one, at=NOW + 5, detail="{}").id(home)
    others = [
        one.id(other),
        replace(one, type=EventType.EMAIL_CLICKED).id(home),
        replace(one, server=ServerId(1)).id(home),
        replace(one, email=MessageId(2)).id(home),
        replace(one, what="13").id(home),
    ]
    assert len({one.id(home), *others}) == 6
    assert uuid.UUID(one.id(home)).version == 5
