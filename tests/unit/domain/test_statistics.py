"""What a change of a message counts, and under which time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain import lifecycle
from chalicelib.domain.changes import (
    UNPROVEN,
    Change,
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
from chalicelib.domain.firsts import First, firsts
from chalicelib.domain.latency import bucket_of
from chalicelib.domain.model import MessageRecord, Scope, State, Status
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.periods import Period
from chalicelib.domain.report import ReportKind
from chalicelib.domain.statistics import (
    Count,
    Slot,
    additions,
    counted,
    delivery_counts,
    named_counts,
    slot_of,
    slots_of,
    totals,
)
from tests.fakes import NOW, a_delivery, a_message, a_report, an_operation
from tests.growth import assert_linear

SERVER = ServerId(4711)
NEW = MessageRecord(a_message(SERVER, 1))
LEASED = replace(NEW, state=State.LEASED, lease_owner="me", lease_until=NOW + 300)


@pytest.mark.parametrize(
    ("scope", "count"), [(Scope.OUTGOING, Count.OUTGOING), (Scope.INCOMING, Count.INCOMING)]
)
def test_a_new_message_counts_when_it_was_accepted(scope: Scope, count: Count) -> None:
    made = MessageRecord(a_message(SERVER, 1, scope=scope))
    assert counted(None, made) == ((count, made.message.received_at),)


def test_a_record_that_the_claim_created_counts_as_new() -> None:
    assert counted(None, LEASED) == ((Count.OUTGOING, NOW + 0.25),)


def test_a_claim_counts_nothing() -> None:
    assert counted(NEW, LEASED) == ()


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (Status.SENT, Count.SENT),
        (Status.SOFT_FAIL, Count.SOFT_FAILS),
        (Status.HARD_FAIL, Count.HARD_FAILS),
        (Status.HELD, Count.HELD),
        (Status.BOUNCED, Count.BOUNCES),
        (Status.ERROR, None),
        (Status.PROCESSED, None),
        (Status.HOLD_CANCELLED, None),
    ],
)
def test_an_outcome_counts_when_it_came_about(status: Status, expected: Count | None) -> None:
    delivery = a_delivery(7, status, at=NOW + 86_400.5)
    after = lifecycle.done(LEASED, delivery)
    once = {
        Status.SENT: Count.SENT_MESSAGES,
        Status.HARD_FAIL: Count.FAILED_MESSAGES,
        Status.BOUNCED: Count.FAILED_MESSAGES,
    }.get(status)
    refused = Count.REFUSED_MESSAGES if once is Count.FAILED_MESSAGES else None
    assert counted(LEASED, after) == tuple(
        (count, NOW + 86_400.5) for count in (expected, once, refused) if count is not None
    )


@pytest.mark.parametrize("status", [Status.HARD_FAIL, Status.BOUNCED])
def test_what_is_not_about_the_recipient_is_no_refusal(status: Status) -> None:
    """An outage of ours or of a provider, and a report for which nobody vouches."""
    delivery = a_delivery(7, status, at=NOW + 1, about_us=True)
    after = lifecycle.done(LEASED, delivery)
    assert [count for count, _ in counted(LEASED, after)][1:] == [Count.FAILED_MESSAGES]
    assert firsts(LEASED, after) & (First.REFUSED | First.RETURNED) == 0


def test_a_log_counts_refusals_as_a_change_of_the_message_does() -> None:
    refused = lifecycle.done(LEASED, a_delivery(7, Status.HARD_FAIL, at=NOW + 1))
    sent = lifecycle.done(LEASED, a_delivery(8, Status.SENT, at=NOW + 1))
    returned = lifecycle.done(sent, a_delivery(9, Status.BOUNCED, at=NOW + 1))
    for before, after in ((LEASED, refused), (sent, returned)):
        change = MessageChange("8", before, after)
        message, last = after.message, after.deliveries[-1]
        entry = LogEntry(
            *("8", message.server_id, message.id, message.scope, last.status, last.at),
            firsts=firsts(before, after),
        )
        told = [additions([one], NOW)[slot_of(SERVER, Period.DAY, NOW)] for one in (change, entry)]
        assert told[0] == told[1]


def test_a_complaint_for_which_nobody_vouches_counts_to_no_rate() -> None:
    forged = Marked("8", SERVER, MessageId(1), Mark.COMPLAINED, NOW, f"7{UNPROVEN}")
    (added,) = additions([forged], NOW)[slot_of(SERVER, Period.DAY, NOW)]
    assert added.counts == {Count.COMPLAINTS: 1}
    (occurrence,) = occurrences(forged)
    assert occurrence.what == "7"


def test_a_message_counts_once_however_often_it_is_sent() -> None:
    first = lifecycle.done(LEASED, a_delivery(7, Status.SENT, at=NOW + 1))
    again = lifecycle.done(first, a_delivery(8, Status.SENT, at=NOW + 2))
    assert counted(first, again) == ((Count.SENT, NOW + 2),)
    bounced = lifecycle.done(again, a_delivery(9, Status.BOUNCED, at=NOW + 3))
    assert counted(again, bounced) == (
        (Count.BOUNCES, NOW + 3),
        (Count.FAILED_MESSAGES, NOW + 3),
        (Count.RETURNED_MESSAGES, NOW + 3),
    )
    failed = lifecycle.done(bounced, a_delivery(10, Status.HARD_FAIL, at=NOW + 4))
    assert counted(bounced, failed) == ((Count.HARD_FAILS, NOW + 4),)


def test_incoming_mail_is_no_part_of_the_rates() -> None:
    incoming = replace(LEASED, message=replace(LEASED.message, scope=Scope.INCOMING))
    sent = lifecycle.done(incoming, a_delivery(7, Status.SENT, at=NOW + 1))
    assert counted(incoming, sent) == ((Count.SENT, NOW + 1),)


@pytest.mark.parametrize(
    ("change", "counts"),
    [
        (
            Marked("8", SERVER, MessageId(1), Mark.COMPLAINED, NOW, "7"),
            [Count.COMPLAINTS, Count.PROVEN_COMPLAINTS],
        ),
        (Marked("8", SERVER, MessageId(1), Mark.UNSUBSCRIBED, NOW, ""), [Count.UNSUBSCRIBES]),
        (
            Reported("8", SERVER, a_report(1, MessageId(1), MessageId(2), kind=ReportKind.DELAY)),
            [Count.DELAYS],
        ),
        (
            Reported("8", SERVER, a_report(1, MessageId(1), MessageId(2), kind=ReportKind.BOUNCE)),
            [],
        ),
        (Operated("8", SERVER, MessageId(1), an_operation("release", 1)), [Count.RELEASED]),
        (Operated("8", SERVER, MessageId(1), an_operation("hold", 1)), []),
    ],
)
def test_what_else_happens_to_messages_counts(change: Change, counts: list[Count]) -> None:
    found = additions([change], NOW)
    expected = [dict.fromkeys(counts, 1)] if counts else []
    for slot in slots_of(SERVER, NOW):
        assert [one.counts for one in found.get(slot, [])] == expected


def test_each_failed_attempt_counts() -> None:
    record, found = LEASED, list[tuple[Count, float]]()
    for number in range(1, 7):
        delivery = a_delivery(number, Status.SOFT_FAIL, at=NOW + number)
        after = lifecycle.waiting(record, delivery, NOW + 60)
        # The store keeps the three newest beside the message.
        after = replace(after, deliveries=after.deliveries[-3:])
        found += counted(record, after)
        record = after
    assert found == [(Count.SOFT_FAILS, NOW + number) for number in range(1, 7)]


def test_release_and_a_cleared_wake_up_count_nothing() -> None:
    held = lifecycle.held(LEASED, a_delivery(1, Status.HELD), NOW + 9)
    assert counted(held, lifecycle.released(held, NOW)) == ()
    assert counted(held, replace(held, opened_at=NOW + 1.0)) == ()


def test_a_time_lies_in_a_minute_an_hour_and_a_day() -> None:
    at = 1_800_003_661.9  # 2027-01-15T09:01:01.9Z
    assert slots_of(SERVER, at) == (
        Slot(SERVER, Period.MINUTE, 1_800_003_660),
        Slot(SERVER, Period.HOUR, 1_800_003_600),
        Slot(SERVER, Period.DAY, 1_799_971_200),
    )


def test_a_change_goes_to_all_its_slots_under_its_number() -> None:
    hit = HitAdded("9", SERVER, EngagementKind.CLICK, NOW + 0.5, MessageId(1), "x")
    found = additions([MessageChange("8", None, NEW), hit], NOW)
    assert set(found) == set(slots_of(SERVER, NOW))
    for added in found.values():
        assert [(one.sequence, dict(one.counts)) for one in added] == [
            ("8", {Count.OUTGOING: 1}),
            ("9", {Count.CLICKS: 1}),
        ]
    opened = additions([HitAdded("9", SERVER, EngagementKind.OPEN, NOW, MessageId(1), "x")], NOW)
    assert all(added[0].counts == {Count.OPENS: 1} for added in opened.values())


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (None, [{Count.INCOMING: 1}]),
        (Status.SENT, [{Count.SENT: 1}]),
        (Status.HARD_FAIL, [{Count.HARD_FAILS: 1}]),
        (Status.HOLD_CANCELLED, []),
    ],
)
def test_an_entry_of_the_log_counts_as_what_it_tells(
    status: Status | None, expected: list[dict[Count, int]]
) -> None:
    entry = LogEntry("8", SERVER, MessageId(1), Scope.INCOMING, status, NOW + 0.25)
    found = additions([entry], NOW)
    for slot in slots_of(SERVER, NOW):
        assert [one.counts for one in found.get(slot, [])] == expected


@pytest.mark.parametrize(
    ("seconds", "within"),
    [
        (-2, Count.WITHIN_1),
        (1, Count.WITHIN_1),
        (1.01, Count.WITHIN_5),
        (86_400, Count.WITHIN_86400),
        (86_401, Count.LATER),
    ],
)
def test_a_delivery_counts_in_the_least_time_that_it_lies_in(seconds: float, within: Count) -> None:
    expected = {within: 1, Count.DELIVERY_MS: max(0, seconds * 1_000)}
    assert delivery_counts(seconds) == expected
    once = {Count.SENT_MESSAGES: 1, bucket_of(seconds): 1}
    sent = LogEntry(
        "8",
        SERVER,
        MessageId(1),
        Scope.OUTGOING,
        Status.SENT,
        NOW,
        NOW - seconds,
        firsts=First.SENT,
    )
    delivery = a_delivery(7, Status.SENT, at=NEW.message.received_at + seconds)
    for change in (sent, MessageChange("8", LEASED, lifecycle.done(LEASED, delivery))):
        for added in additions([change], NOW).values():
            assert totals(one.counts for one in added) == {Count.SENT: 1, **expected, **once}
    held = LogEntry("8", SERVER, MessageId(1), Scope.OUTGOING, Status.HELD, NOW, NOW - seconds)
    assert all(one[0].counts == {Count.HELD: 1} for one in additions([held], NOW).values())


def test_people_are_shown_no_times_of_deliveries() -> None:
    shown = named_counts({Count.SENT: 2, **delivery_counts(3)})
    assert shown["sent"] == 2
    assert list(shown) == [
        *("incoming", "outgoing", "spam", "bounces", "held", "sent"),
        *("soft_fails", "hard_fails", "opens", "clicks"),
        *("complaints", "unsubscribes", "released", "delays"),
    ]


def test_outcomes_of_one_change_count_in_their_own_minutes() -> None:
    log = tuple(a_delivery(each, Status.SOFT_FAIL, at=NOW + 60 * each) for each in range(2))
    found = additions([MessageChange("8", None, replace(NEW, deliveries=log))], NOW)
    sums = {slot: totals(one.counts for one in added) for slot, added in found.items()}
    first, hour, day = slots_of(SERVER, NOW)
    assert sums[hour] == sums[day] == {Count.OUTGOING: 1, Count.SOFT_FAILS: 2}
    assert sums[first] == {Count.OUTGOING: 1, Count.SOFT_FAILS: 1}
    assert sums[slots_of(SERVER, NOW + 60)[0]] == {Count.SOFT_FAILS: 1}


def test_slots_that_nobody_keeps_any_more_are_left_out() -> None:
    late = additions([MessageChange("8", None, NEW)], NOW + 3 * 3_600)
    assert {slot.period for slot in late} == {Period.HOUR, Period.DAY}
    very_late = additions([MessageChange("8", None, NEW)], NOW + 90 * 86_400)
    assert {slot.period for slot in very_late} == {Period.DAY}


def test_counting_is_linear_in_the_log_and_in_the_changes() -> None:
    def a_log(length: int) -> MessageRecord:
        log = tuple(a_delivery(number, Status.SOFT_FAIL) for number in range(length))
        return replace(NEW, deliveries=log)

    assert_linear(lambda record: counted(record, record), a_log(20_000), a_log(80_000))

    def changes(number: int) -> list[MessageChange]:
        return [MessageChange(str(each), None, NEW) for each in range(number)]

    assert_linear(lambda many: additions(many, NOW), changes(5_000), changes(20_000))
