"""What is done with a message by hand: who is offered what, what is said before and after, and what the API refuses."""

from __future__ import annotations

import pytest

from chalicelib import bootstrap
from tests.incoming_play import address_route, arrives
from tests.web.looking import MEMBER, VIEWER, Looker
from tests.web.test_messages import sent


def status(looker: Looker, number: int) -> str:
    found: str = looker.manage("GET", f"/emails/{number}")["status"]
    return found


def test_hold_release_and_try_now(looker: Looker) -> None:
    looker.role = MEMBER
    (number,) = sent(looker)
    held = looker.post(f"/messages/{number}/hold")
    assert held.location == f"{looker.server}/messages/{number}"
    shown = looker.follow(held)
    shown.has("It is held, for 7 days at most", "Held by a person")
    assert status(looker, number) == "Held"
    looker.post(f"/messages/{number}/release")
    assert looker.manage("GET", f"/emails/{number}")["held"] is False


def test_cancel_is_asked_before_and_cannot_be_done_twice(looker: Looker) -> None:
    (number,) = sent(looker)
    asked = looker.get(f"/messages/{number}/cancel")
    asked.has("It is not sent any more, and this cannot be taken back", "Leave it as it is")
    assert status(looker, number) == "Pending"
    looker.follow(looker.post(f"/messages/{number}/cancel")).has("Cancelled")
    again = looker.follow(looker.post(f"/messages/{number}/cancel"))
    again.has("neither held nor waiting")


def test_sending_again_says_that_it_is_a_second_copy_and_is_done_once(looker: Looker) -> None:
    (number,) = sent(looker)
    looker.post(f"/messages/{number}/cancel")
    asked = looker.get(f"/messages/{number}/resend")
    asked.has("The recipient gets a second copy")
    key = asked.hidden("key")
    first = looker.post(f"/messages/{number}/resend", key=key)
    second = looker.post(f"/messages/{number}/resend", key=key)
    assert first.location == second.location
    assert first.location != f"{looker.server}/messages/{number}"
    looker.follow(first).has(f"Sends message {number} once more")


def test_a_scheduled_one_gets_another_time_or_goes_now(looker: Looker) -> None:
    (number,) = sent(looker, 1, scheduled_at="2027-01-20T12:00:00Z")
    shown = looker.get(f"/messages/{number}")
    shown.has("To be sent later, as asked", "Change the time")
    wrong = looker.post(f"/messages/{number}/reschedule", scheduled_at="soon")
    assert wrong.status == 422
    assert 'aria-invalid="true"' in wrong.text
    looker.post(f"/messages/{number}/reschedule", scheduled_at="2027-01-21T09:30")
    found = looker.manage("GET", f"/emails/{number}")
    assert found["scheduled_at"] == "2027-01-21T09:30:00.000Z"
    looker.post(f"/messages/{number}/reschedule", now="1")
    assert looker.manage("GET", f"/emails/{number}")["scheduled_at"] is None


def test_incoming_mail_is_delivered_again_to_where_one_chooses(looker: Looker) -> None:
    scene = looker.api.scene
    message = bootstrap.run(arrives(scene, bootstrap.run(address_route(scene))))
    shown = looker.get(f"/messages/{message.id}/replay")
    shown.has("The message is routed and delivered once more", "where routes lead now")
    looker.follow(looker.post(f"/messages/{message.id}/replay", endpoint="")).has(
        "It is delivered again"
    )


@pytest.mark.parametrize(
    "verb", ["hold", "release", "retry", "cancel", "bounce", "resend", "reschedule"]
)
def test_who_may_only_look_cannot(looker: Looker, verb: str) -> None:
    (number,) = sent(looker)
    looker.role = VIEWER
    token = looker.browser
    assert token is not None
    assert looker.post(f"/messages/{number}/{verb}").status == 403
    assert status(looker, number) == "Pending"


@pytest.mark.parametrize("verb", ["cancel", "resend", "bounce", "replay", "reschedule"])
def test_a_number_that_is_not_there_is_404(looker: Looker, verb: str) -> None:
    assert looker.get(f"/messages/4711/{verb}").status == 404
    assert looker.post(f"/messages/4711/{verb}").status == 404


def test_without_the_token_nothing_is_done(looker: Looker) -> None:
    (number,) = sent(looker)
    assert looker.post(f"/messages/{number}/cancel", csrf="old").status == 403
    assert status(looker, number) == "Pending"
