"""What an attempt found is stored with its end, also when that had to travel in a wake-up."""

from __future__ import annotations

from dataclasses import replace

from chalicelib.domain import lifecycle
from chalicelib.domain.inspection import Inspection, Spam
from chalicelib.domain.model import MessageRecord, State
from chalicelib.domain.numbering import MessageId
from tests.fakes import a_delivery, a_message, a_server_id


def test_what_an_attempt_found_travels_with_its_end() -> None:
    leased = MessageRecord(a_message(a_server_id(), MessageId(1)), state=State.LEASED)
    found = Inspection(spam=Spam(score=7.5, scanner="spamd"))
    attempted = replace(leased, inspection=found, bounce_of=MessageId(5), bounced_as=MessageId(6))
    after = lifecycle.done(attempted, a_delivery(1))
    assert lifecycle.ended(leased, lifecycle.pending_outcome(leased, after)) == after


def test_an_end_that_says_nothing_of_it_leaves_what_was_found() -> None:
    leased = MessageRecord(a_message(a_server_id(), MessageId(1)), inspection=Inspection())
    after = lifecycle.done(replace(leased, inspection=None), a_delivery(1))
    ended = lifecycle.ended(leased, lifecycle.pending_outcome(leased, after))
    assert ended.inspection == Inspection()
