"""What changes of messages add to which groups."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from chalicelib.domain import lifecycle
from chalicelib.domain.changes import Change, HitAdded, LogEntry, MessageChange
from chalicelib.domain.durations import HOUR
from chalicelib.domain.engagement import EngagementKind
from chalicelib.domain.firsts import First, firsts
from chalicelib.domain.groups import (
    OTHERS,
    Dimension,
    Failure,
    group_additions,
    spread,
    together,
    unknown_messages,
)
from chalicelib.domain.inspection import Inspection, Spam
from chalicelib.domain.model import Arrival, MessageRecord, Scope, Status
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.statistics import Count, told_by
from chalicelib.domain.traits import LONGEST_VALUE, Traits, traits_of
from tests.fakes import NOW, a_delivery, a_message

SERVER = ServerId(7)
NEW = MessageRecord(a_message(SERVER, 1, tag="welcome", rcpt_to="Bob@Gmail.COM"))


def counts(*changes: Change, **known: Traits) -> dict[tuple[str, str], Counter[str]]:
    """All that is counted by dimension and value."""
    found: dict[tuple[str, str], Counter[str]] = {}
    messages = {(SERVER, MessageId(int(name[1:]))): one for name, one in known.items()}
    for added in group_additions(changes, messages).values():
        for (dimension, value, _), sums in spread(together(added)).items():
            found.setdefault((dimension, value), Counter()).update(sums)
    return found


def test_a_message_counts_by_all_that_it_has() -> None:
    found = counts(MessageChange("1", None, NEW))
    one = Counter({Count.OUTGOING: 1})
    assert found[Dimension.TAG, "welcome"] == one
    assert found[Dimension.DOMAIN, "gmail.com"] == one
    assert found[Dimension.STREAM, "transactional"] == one
    assert found[Dimension.SENDER_DOMAIN, "acme.test"] == one
    assert found[Dimension.ROUTE, ""] == one
    # Nobody knows yet who receives it.
    assert not any(dimension is Dimension.PROVIDER for dimension, _ in found if found[dimension, _])


def test_a_message_counts_under_its_provider_once_that_is_known() -> None:
    later = lifecycle.waiting(NEW, a_delivery(1, Status.SOFT_FAIL), NOW + 60)
    known = replace(later, provider="google")
    sent = lifecycle.done(known, a_delivery(2))
    found = counts(
        MessageChange("1", None, NEW),
        MessageChange("2", NEW, known),
        MessageChange("3", known, sent),
    )
    google = found[Dimension.PROVIDER, "google"]
    assert (google["outgoing"], google["soft_fails"], google["sent"]) == (1, 1, 1)
    assert google["sent_messages"] == 1


def test_what_failed_before_anybody_asked_counts_under_none() -> None:
    failed = lifecycle.done(NEW, a_delivery(1, Status.HARD_FAIL))
    found = counts(MessageChange("2", NEW, failed))
    assert found[Dimension.PROVIDER, ""]["outgoing"] == 1
    again = lifecycle.done(replace(failed, provider="google"), a_delivery(2))
    assert "outgoing" not in counts(MessageChange("3", failed, again))[Dimension.PROVIDER, "google"]


def test_both_engines_tell_the_same() -> None:
    delivery = a_delivery(1, Status.HARD_FAIL, cause="rate", at=NOW + 5.0)
    failed = replace(lifecycle.done(NEW, delivery), provider="google")
    shown = MessageChange("2", NEW, failed)
    message = NEW.message
    logged = LogEntry(
        "2",
        SERVER,
        message.id,
        message.scope,
        Status.HARD_FAIL,
        delivery.at,
        message.received_at,
        firsts=firsts(NEW, failed),
        cause="rate",
        traits=traits_of(failed),
    )
    assert counts(shown) == counts(logged)
    failure = Failure(Scope.OUTGOING, "rate", Status.HARD_FAIL, "google")
    assert counts(logged)[Dimension.FAILURE, failure.value] == Counter({Count.HARD_FAILS: 1})
    assert counts(logged)[Dimension.CAUSE, "rate"] == Counter({Count.HARD_FAILS: 1})


def test_what_a_change_does_not_tell_of_its_message_is_asked_for() -> None:
    hit = HitAdded("1", SERVER, EngagementKind.OPEN, NOW, MessageId(1), "1")
    assert unknown_messages(
        [hit, replace(hit, traits=Traits()), MessageChange("1", None, NEW)]
    ) == [(SERVER, MessageId(1))]
    found = counts(hit, m1=Traits(tag="a", provider="google"))
    assert found[Dimension.TAG, "a"] == found[Dimension.PROVIDER, "google"] == Counter({"opens": 1})
    assert counts(hit)[Dimension.TAG, ""] == Counter({"opens": 1})


def test_things_of_several_hours_are_apart() -> None:
    late = lifecycle.done(NEW, a_delivery(1, at=NOW + 2.0 * HOUR))
    added = group_additions([MessageChange("1", None, late)], {})[SERVER]
    assert {one.hour for one in added} == {NOW // HOUR * HOUR, (NOW + 2 * HOUR) // HOUR * HOUR}


def test_spam_counts_once_when_it_is_found() -> None:
    message = a_message(SERVER, 2, scope=Scope.INCOMING, arrival=Arrival(route_id="r1"))
    before = MessageRecord(message)
    found = replace(
        lifecycle.done(before, a_delivery(1, Status.HELD)), inspection=Inspection(Spam(9.0))
    )
    assert firsts(before, found) == First.SPAM
    for change in (
        MessageChange("1", before, found),
        LogEntry("1", SERVER, message.id, message.scope, Status.HELD, NOW + 1.5, firsts=First.SPAM),
    ):
        assert Count.SPAM in dict(told_by(change).counted)
    again = lifecycle.done(found, a_delivery(2))
    assert firsts(found, again) == 0
    clean = replace(found, inspection=Inspection(Spam(1.0)))
    assert firsts(before, clean) == 0
    assert traits_of(found).route == "r1"
    assert traits_of(found).stream is None


def test_values_are_short_and_failures_are_read_back() -> None:
    long = a_message(SERVER, 1, tag="x" * 500, rcpt_to="a@" + "y" * 300)
    traits = traits_of(MessageRecord(long))
    assert traits.tag == "x" * LONGEST_VALUE
    assert traits.domain == "y" * LONGEST_VALUE
    failure = Failure(Scope.INCOMING, "no_answer", Status.SOFT_FAIL, None)
    assert Failure.parse(failure.value) == failure
    assert Failure.parse(OTHERS) is None
