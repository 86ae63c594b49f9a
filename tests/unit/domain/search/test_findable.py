"""What a message can be found by, in each state."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain import lifecycle
from chalicelib.domain.inspection import Inspection, Spam
from chalicelib.domain.model import Arrival, MessageRecord, Origin, Scope, State, Status
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.search.findable import domain_in, findable_of, metadata_of
from tests.fakes import NOW, a_delivery, a_message

MESSAGE = replace(
    a_message(ServerId(1), 1),
    rcpt_to="Bob@Example.com",
    tag="welcome",
    metadata='{"order":"7"}',
    origin=Origin("bulk", "acme.example", "crabc"),
)
NEW = MessageRecord(MESSAGE)
LEASED = replace(NEW, state=State.LEASED, lease_owner="me", lease_until=NOW + 300)
FAILED = replace(a_delivery(2, Status.SOFT_FAIL, at=NOW + 1.0), cause="greylisted")
RETRIED = lifecycle.waiting(LEASED, FAILED, NOW + 60)
HELD = lifecycle.held(LEASED, a_delivery(3, Status.HELD, at=NOW + 2.0), NOW + 900)
SENT = lifecycle.done(
    replace(LEASED, deliveries=(FAILED,)), a_delivery(4, Status.SENT, at=NOW + 3.0)
)
SCHEDULED = replace(NEW, sends_at=NOW + 600, by_sweeper=True)


@pytest.mark.parametrize(
    ("record", "statuses", "wait"),
    [
        (NEW, ("pending", "queued"), "queued"),
        (LEASED, ("pending", "queued"), "in_progress"),
        (RETRIED, ("softfail", "queued"), "retry"),
        (SCHEDULED, ("pending", "scheduled"), "scheduled"),
        (HELD, ("held",), "unknown_outcome"),
        (SENT, ("sent",), None),
    ],
)
def test_a_state_has_its_words(record: MessageRecord, statuses: Any, wait: str | None) -> None:
    found = findable_of(record)
    assert (found.statuses, found.wait) == (statuses, wait)
    assert found.tries == (None if wait is None else record.tries)


def test_it_has_what_its_client_gave() -> None:
    found = findable_of(NEW)
    assert (found.rcpt_to, found.domain) == ("Bob@Example.com", "example.com")
    assert (found.tag, found.metadata, found.stream) == ("welcome", {"order": "7"}, "transactional")
    assert (found.pool, found.credential) == ("bulk", "crabc")
    assert metadata_of(MessageRecord(replace(MESSAGE, metadata=None))) == {}


def test_the_last_cause_is_known_after_it_was_sent() -> None:
    assert findable_of(SENT).cause == "greylisted"
    assert findable_of(NEW).cause == ""


def test_one_that_came_in_has_a_way_and_neither_pool_nor_stream() -> None:
    message = replace(
        MESSAGE,
        scope=Scope.INCOMING,
        tag=None,
        bounce=True,
        origin=Origin("@incoming", "", ""),
        arrival=Arrival("rt1", "ep1"),
    )
    spam = Inspection(Spam(score=9.0))
    found = findable_of(MessageRecord(message, inspection=spam, replay=Arrival("", "ep2")))
    assert (found.pool, found.stream, found.tag) == ("", "", "")
    assert (found.route, found.endpoint) == ("", "ep2")
    assert found.is_spam
    assert found.is_bounce
    assert not findable_of(MessageRecord(message)).is_spam


def test_whatever_changes_raises_the_version() -> None:
    opened = replace(SENT, opened_at=NOW + 4.0)
    both = replace(opened, clicked_at=NOW + 5.0)
    released = replace(both, attempt=both.attempt + 1)
    versions = [findable_of(one).version for one in (NEW, SENT, opened, both, released)]
    assert versions == sorted(set(versions))
    assert findable_of(both).is_opened
    assert findable_of(both).is_clicked


@pytest.mark.parametrize(
    ("address", "domain"),
    [("a@B.c", "b.c"), ("a@b@c", "c"), ("a@b\uff20c", "c"), ("postmaster", ""), ("", "")],
)
def test_the_domain_stands_behind_the_last_sign(address: str, domain: str) -> None:
    assert domain_in(address) == domain
