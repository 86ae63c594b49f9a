"""Every reason for waiting has words that say it, and what can be done; and works with an API that says less."""

from __future__ import annotations

import re
from typing import Any

import pytest

from chalicelib.domain.waits import WaitCode
from chalicelib.web.causes import CAUSES, cause_words
from chalicelib.web.reasons import OUR_FAULT, WAITS, Reason, reason_of

ACTIONS = {
    "retry",
    "cancel",
    "release",
    "rates",
    "allow",
    "send_now",
    "reschedule",
    "resend",
    "bounce",
    "replay",
    "check",
    "limit",
    "pool",
}


def an_email(**changes: Any) -> dict[str, Any]:
    return {
        "to": "jonas@example.net",
        "status": "Pending",
        "direction": "outgoing",
        "pool": "eu-shared",
        "wait": None,
        **changes,
    }


def waiting(code: str, **changes: Any) -> dict[str, Any]:
    wait = {"code": code, "detail": "", "since": "", "until": None, "others": None}
    return an_email(wait=wait, **changes)


@pytest.mark.parametrize(
    ("ahead", "title"),
    [
        (None, "Waiting for a worker"),
        (0, "Waiting for a worker"),
        (1, "Waiting for a worker: 1 message is ahead"),
        (1_200, "Waiting for a worker: 1,200 messages are ahead"),
        (10_000, "Waiting for a worker: more than 10,000 messages are ahead"),
    ],
)
def test_who_waits_for_a_worker_is_told_how_many_are_ahead(ahead: int | None, title: str) -> None:
    email = waiting("queued")
    reason = reason_of({**email, "wait": {**email["wait"], "ahead": ahead}}, ())
    assert reason is not None
    assert reason.title == title
    check_words(reason)


def failed(cause: str | None, details: str = "", status: str = "SoftFail") -> dict[str, Any]:
    return {"cause": cause, "details": details, "status": status}


def check_words(reason: Reason) -> None:
    assert not reason.title.endswith((".", "!", "?"))
    assert reason.title[0].isupper()
    assert reason.sentence.endswith(".")
    assert "{" not in reason.title + reason.sentence
    assert "please" not in reason.sentence.lower()
    assert set(reason.actions) <= ACTIONS
    assert reason.tone in ("idle", "late", "bad", "held")


@pytest.mark.parametrize("code", [*WaitCode, "throttled", "source"])
def test_each_code_of_waiting_has_a_reason(code: str) -> None:
    found = reason_of(waiting(str(code)), [])
    assert found is not None
    check_words(found)
    assert str(code) in WAITS


@pytest.mark.parametrize("cause", CAUSES)
def test_each_cause_says_why_it_is_tried_again_and_why_it_failed(cause: str) -> None:
    waits = reason_of(waiting("retry", status="SoftFail"), [failed(cause)])
    ended = reason_of(an_email(status="HardFail"), [failed(cause, status="HardFail")])
    assert waits is not None
    assert ended is not None
    for one in (waits, ended):
        check_words(one)
    assert waits.title.startswith("Waiting: ")
    assert waits.actions == ("retry", "cancel")
    assert ended.title.startswith("Refused: ")
    assert "resend" in ended.actions
    assert not CAUSES[cause].title.endswith(".")
    assert len(CAUSES[cause].short.split()) <= 5


def test_greylisting_is_said_as_what_it_is() -> None:
    found = reason_of(waiting("retry", status="SoftFail"), [failed("greylisted")])
    assert found is not None
    assert found.title == "Waiting: the receiver asked us to come back later"
    assert found.sentence.endswith("nothing is wrong with your mail.")


def test_places_are_filled_with_what_the_message_says() -> None:
    silent = reason_of(waiting("retry", status="SoftFail"), [failed("no_answer")])
    pool = reason_of(waiting("source"), [])
    assert silent is not None
    assert silent.title == "Waiting: no server of example.net answers"
    assert pool is not None
    assert pool.title == "Every address of the pool eu-shared is suspended"


def test_places_are_no_templates() -> None:
    found = reason_of(
        waiting("retry", status="SoftFail", to="x@{pool}.{domain}"), [failed("no_answer")]
    )
    assert found is not None
    assert re.search(r"no server of .* answers", found.title)


@pytest.mark.parametrize(
    ("status", "title"), [("HardFail", "It failed for good"), ("Bounced", "It came back")]
)
def test_an_end_without_a_cause_says_less(status: str, title: str) -> None:
    found = reason_of(an_email(status=status), [])
    assert found is not None
    assert found.title == title


def test_an_error_of_ours_is_said_to_be_ours() -> None:
    assert reason_of(waiting("retry", status="Error"), []) == OUR_FAULT


def test_what_a_person_gave_up_says_so() -> None:
    found = reason_of(
        an_email(status="HardFail"), [failed(None, "Given up by ada@acme.example.", "HardFail")]
    )
    assert found is not None
    assert found.title == "Given up by a person"


def test_retries_without_a_cause_and_codes_that_are_new_are_shown_all_the_same() -> None:
    for email in (waiting("retry"), waiting("brand_new")):
        found = reason_of(email, [])
        assert found is not None
        check_words(found)


@pytest.mark.parametrize("status", ["Sent", "Processed", "HoldCancelled"])
def test_what_ended_well_has_none(status: str) -> None:
    assert reason_of(an_email(status=status), []) is None


def test_incoming_mail_that_failed_is_delivered_again_not_resent() -> None:
    found = reason_of(an_email(status="HardFail", direction="incoming"), [failed("policy")])
    assert found is not None
    assert "replay" in found.actions
    assert "resend" not in found.actions


def test_new_causes_stand_as_their_own_words() -> None:
    assert cause_words("moon_phase").title == "Moon phase"
    assert cause_words(None).short == "refused"
