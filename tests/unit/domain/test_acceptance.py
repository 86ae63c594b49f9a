"""How mail came in and what it passed are short texts, of which people are told what is known."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain import lifecycle
from chalicelib.domain.acceptance import (
    LONGEST_REQUEST_ID,
    Acceptance,
    Alignment,
    CheckResult,
    Door,
    Limits,
    Passed,
    Unsubscribing,
    checks_of,
)
from chalicelib.domain.inspection import Inspection, Spam, Threat
from chalicelib.domain.model import MessageRecord, State, Status
from tests.fakes import NOW, a_delivery, a_message

NEW = MessageRecord(a_message(1, 1))
LEASED = replace(NEW, state=State.LEASED, lease_owner="me", lease_until=NOW + 300)
ALL = Passed(Limits.ROOM, False, Alignment.ALIGNED, Unsubscribing.ADDED, ("ph1", "ph2"))


def told(record: MessageRecord) -> dict[str, CheckResult]:
    return {one.check: one.result for one in checks_of(record)}


@pytest.mark.parametrize("door", Door)
@pytest.mark.parametrize("client", ["", "192.0.2.1", "2001:db8::1"])
@pytest.mark.parametrize("request_id", ["", "4db99e6e-be30-4853-8ff4-f23b3a2d4703"])
def test_how_it_came_is_read_as_it_was_written(door: Door, client: str, request_id: str) -> None:
    came = Acceptance(door, client, request_id)
    assert Acceptance.parse(came.render(privacy=False)) == came
    assert Acceptance.parse(came.render(privacy=True)) == replace(came, client="")


def test_a_long_id_of_a_request_is_cut() -> None:
    came = Acceptance.parse(Acceptance(Door.API, "", "x" * 500).render(privacy=False))
    assert came is not None
    assert came.request_id == "x" * LONGEST_REQUEST_ID


@pytest.mark.parametrize("text", ["", "?192.0.2.1", "\t", "\ud800"])
def test_a_text_of_another_release_says_nothing(text: str) -> None:
    assert Acceptance.parse(text) is None
    assert Passed.parse(text) is None


@pytest.mark.parametrize(
    "passed", [ALL, replace(ALL, selectors=()), replace(ALL, is_overruled=True)]
)
def test_what_it_passed_is_read_as_it_was_written(passed: Passed) -> None:
    assert Passed.parse(passed.render()) == passed
    assert len(passed.render()) < 20


def test_before_an_attempt_only_the_sender_is_known() -> None:
    assert told(NEW) == {"sender": CheckResult.PASS}


def test_each_answer_has_its_result() -> None:
    sent = replace(NEW, checked=ALL.render())
    assert told(sent) == {
        "sender": CheckResult.PASS,
        "suppression": CheckResult.PASS,
        "limit": CheckResult.PASS,
        "spam": CheckResult.SKIP,
        "alignment": CheckResult.PASS,
        "unsubscribe": CheckResult.PASS,
    }
    other = Passed(Limits.NONE, True, Alignment.OTHER_DOMAIN, Unsubscribing.NOT_WANTED, ())
    found = told(replace(NEW, checked=other.render()))
    assert found["suppression"] is found["limit"] is found["unsubscribe"] is CheckResult.SKIP
    assert found["alignment"] is CheckResult.FAIL
    assert all(one.detail for one in checks_of(replace(NEW, checked=other.render())))


@pytest.mark.parametrize(
    ("details", "check"),
    [
        ("Recipient (a@b.test) is on the suppression list (reason: bounced)", "suppression"),
        ("Message held because send limit (5) has been reached.", "limit"),
    ],
)
def test_what_holds_it_failed(details: str, check: str) -> None:
    delivery = a_delivery(3, Status.HELD, details=details, log_id=None)
    record = lifecycle.held(replace(LEASED, checked=ALL.render()), delivery, NOW + 900)
    assert told(record)[check] is CheckResult.FAIL
    assert details in [one.detail for one in checks_of(record)]


def test_spam_tells_its_score() -> None:
    scanned = replace(LEASED, inspection=Inspection(Spam(7.5, 5.0, "spamd"), Threat()))
    assert told(scanned)["spam"] is CheckResult.PASS  # a higher threshold may have let it go
    words = "Message is likely spam. Threshold is 5.0 and the message scored 7.5."
    failed = lifecycle.done(scanned, a_delivery(3, Status.HARD_FAIL, details=words, log_id=None))
    (spam,) = [one for one in checks_of(failed) if one.check == "spam"]
    assert (spam.result, spam.detail) == (CheckResult.FAIL, "7.5 of 5.0")
