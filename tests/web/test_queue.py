"""What waits and what is held: counts by reason and receiver, the decisions that fit, and each state of the lists."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chalicelib import bootstrap
from tests.web.looking import VIEWER, Looker
from tests.web.test_message import GREYLISTED, deliver
from tests.web.test_messages import EVIL, sent


def delayed(looker: Looker, count: int = 1) -> list[int]:
    """Messages that were told to come back later."""
    looker.api.scene.egress.always("jonas@example.com", GREYLISTED)
    numbers = sent(looker, count)
    deliver(looker)
    return numbers


def held(looker: Looker, count: int = 1) -> list[int]:
    """Messages that somebody holds."""
    numbers = sent(looker, count)
    for one in numbers:
        looker.manage("POST", f"/emails/{one}/hold")
    return numbers


def test_an_empty_queue_says_when_the_last_message_left(looker: Looker) -> None:
    looker.get("/queue").has("Nothing waits")
    sent(looker)
    deliver(looker)
    looker.get("/queue").has("Nothing waits", "The last message left just now")
    looker.get("/queue", status="scheduled").has("Nothing is scheduled")
    looker.get("/held").has("Nothing is held")


def test_what_waits_is_counted_by_reason_and_receiver(looker: Looker) -> None:
    delayed(looker, 3)
    shown = looker.get("/queue")
    shown.has(
        "3 wait for another attempt", "Waiting for the next attempt", "example.com", "Try now"
    )
    narrowed = looker.get("/queue", q="wait:retry domain:example.com tries:>0")
    narrowed.has("jonas@example.com")


def test_a_search_among_what_waits_that_finds_nothing(looker: Looker) -> None:
    delayed(looker)
    looker.get("/queue", q="tag:none").has("Nothing that waits matches", "Drop the last filter")
    held(looker)
    looker.get("/held", q="tag:none").has("Nothing that is held matches", "Drop the last filter")


@pytest.mark.parametrize("path", ["/queue", "/held"])
def test_a_search_that_cannot_be_read_is_422(looker: Looker, path: str) -> None:
    shown = looker.get(path, q="form:x")
    assert shown.status == 422
    assert 'aria-invalid="true"' in shown.text


def test_scheduled_mail_has_its_tab(looker: Looker) -> None:
    sent(looker, 1, scheduled_at="2027-01-20T12:00:00Z")
    looker.get("/queue", status="scheduled").has("1 wait for their time", "jonas@example.com")


def test_held_mail_is_grouped_by_reason_with_the_decision_that_fits(looker: Looker) -> None:
    held(looker, 2)
    looker.manage("POST", "/suppressions", {"address": "sam@example.com"})
    sent(looker, 1, to="sam@example.com")
    deliver(looker)
    shown = looker.get("/held")
    shown.has(
        "3 messages wait for a decision",
        "2 · Held by a person",
        "1 · Held: the recipient is suppressed",
        "Allow these addresses and release",
    )
    assert (
        "verb=release&amp;all=1&amp;status=held&amp;q=wait%3Asuppressed&amp;allow=1" in shown.text
    )


def test_counts_that_cannot_be_had_fail_alone(looker: Looker, broken: Callable[..., None]) -> None:
    delayed(looker)
    broken("/queue")
    looker.get("/queue").has("Could not be counted", "jonas@example.com")
    looker.get("/held").has("Could not be counted")


def test_who_may_only_look_sees_what_waits_and_no_verbs(looker: Looker) -> None:
    delayed(looker)
    held(looker)
    looker.role = VIEWER
    for path in ("/queue", "/held"):
        shown = looker.get(path)
        assert "operations/new" not in shown.text
        assert 'name="ids"' not in shown.text


def test_hostile_answers_in_the_queue_do_nothing(looker: Looker) -> None:
    from chalicelib.domain.reply import Reply
    from chalicelib.ports.egress import TransactionResult

    answer = TransactionResult(Reply(451, "4.7.1", EVIL), "RCPT")
    looker.api.scene.egress.always("jonas@example.com", answer)
    sent(looker, 1, subject=EVIL)
    deliver(looker)
    shown = looker.get("/queue")
    assert "<script>alert" not in shown.text
    assert "\u202e" not in shown.text


def test_many_that_wait_are_a_page_of_thirty(looker: Looker) -> None:
    delayed(looker, 31)
    shown = looker.get("/queue")
    assert shown.text.count('name="ids"') == 30
    assert 'rel="next"' in shown.text
    assert bootstrap.run is not None
