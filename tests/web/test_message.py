"""One message: the reason box, the timeline with what is planned, facts, relations, polls, in each state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib import bootstrap
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.periods import Period
from chalicelib.domain.reply import Reply
from chalicelib.domain.statistics import Addition, Count, slot_of
from chalicelib.ports.egress import TransactionResult
from chalicelib.ports.statistics import Statistics
from chalicelib.services.messages.history import MessageHistory
from tests.incoming_play import address_route, arrives, carry
from tests.web.looking import MEMBER, VIEWER, Looker
from tests.web.test_messages import EVIL, sent

if TYPE_CHECKING:
    import pytest

GREYLISTED = TransactionResult(Reply(451, "4.7.1", "Greylisted, try again in 15 minutes"), "RCPT")
UNKNOWN = TransactionResult(Reply(550, "5.1.1", "no such user here"), "RCPT")


def deliver(looker: Looker) -> None:
    bootstrap.run(looker.api.scene.deliver_ready())


def test_a_message_that_was_just_accepted_waits_for_a_worker(looker: Looker) -> None:
    (number,) = sent(looker, tag="order-shipped", metadata={"order": "4711"})
    shown = looker.get(f"/messages/{number}")
    assert shown.status == 200
    assert shown.has("Your order", "Waiting for a worker", "Accepted", "order-shipped", "4711")
    assert 'hx-trigger="every 3s"' in shown.text


def test_a_delayed_one_says_why_and_when_and_offers_to_try_now(looker: Looker) -> None:
    looker.api.scene.egress.will("jonas@example.com", GREYLISTED)
    (number,) = sent(looker)
    deliver(looker)
    shown = looker.get(f"/messages/{number}")
    assert shown.has(
        "Waiting: the receiver asked us to come back later",
        "Greylisted, try again in 15 minutes",
        "Next attempt",
        "Attempt 2 planned",
        "Attempt 1: asked to come back later",
        "Delayed",
    )
    assert f"{looker.server}/messages/{number}/retry" in shown.forms()
    assert shown.plain.index("Attempt 2") < shown.plain.index("Attempt 1")
    turned = looker.get(f"/messages/{number}", order="oldest")
    assert turned.plain.rindex("Attempt 2") > turned.plain.rindex("Attempt 1")


def test_a_refused_one_says_so_in_red_and_offers_to_send_again(looker: Looker) -> None:
    looker.api.scene.egress.will("jonas@example.com", UNKNOWN)
    (number,) = sent(looker)
    deliver(looker)
    shown = looker.get(f"/messages/{number}")
    assert shown.has("Refused: the mailbox does not exist", "no such user here", "Failed")
    assert f'href="{looker.server}/messages/{number}/resend"' in shown.text
    assert "hx-trigger" not in shown.text


def test_a_delivered_one_has_no_box(looker: Looker) -> None:
    (number,) = sent(looker)
    deliver(looker)
    shown = looker.get(f"/messages/{number}")
    assert shown.has("Delivered to mx.example.com", "250 2.0.0 OK", "TLSv1.3")
    assert 'aria-labelledby="why"' not in shown.text


def test_held_mail_says_by_what_and_until_when(looker: Looker) -> None:
    (number,) = sent(looker)
    looker.api.manage("POST", f"/emails/{number}/hold", None, looker.api.scene.server.full_name)
    shown = looker.get(f"/messages/{number}")
    assert shown.has("Held by a person", "The hold ends", "Held by root.")
    assert f"{looker.server}/messages/{number}/release" in shown.forms()


def test_what_a_rate_holds_only_an_operator_is_offered_to_release(looker: Looker) -> None:
    server = {"bounce_rate_limit": 5, "rate_limit_count": 1}
    name = looker.api.scene.server.full_name
    scene = looker.api.scene
    slot = slot_of(scene.server.id, Period.HOUR, scene.clock.now())
    added = [Addition("1", {Count.REFUSED_MESSAGES: 9})]
    bootstrap.run(scene.posthorn[Statistics].add("test", slot, added))
    looker.api.manage("PATCH", f"/servers/{name}", server)
    (number,) = sent(looker)
    deliver(looker)
    shown = looker.get(f"/messages/{number}")
    assert shown.has(
        "Held: too much mail comes back",
        "Message held because the bounce rate of the server is above 5 %.",
        "Leaves by itself",
        "It leaves by itself",
    )
    assert f"{looker.server}/messages/{number}/release" not in shown.forms()
    assert f'href="{looker.server}/messages/{number}/cancel"' in shown.text
    assert looker.get("/held").has("too much comes back")


def test_a_poll_that_has_seen_everything_is_answered_with_nothing(looker: Looker) -> None:
    (number,) = sent(looker)
    shown = looker.get(f"/messages/{number}")
    seen = shown.text.split("seen=")[1].split('"')[0].split("&")[0]
    assert looker.get(f"/messages/{number}", seen=seen).status == 204
    deliver(looker)
    later = looker.get(f"/messages/{number}", seen=seen)
    assert later.status == 200
    assert later.has("Delivered to mx.example.com")


def test_incoming_mail_names_route_and_sender(looker: Looker) -> None:
    scene = looker.api.scene
    message = bootstrap.run(arrives(scene, bootstrap.run(address_route(scene))))
    bootstrap.run(carry(scene))
    shown = looker.get(f"/messages/{message.id}")
    assert shown.has("Received", "away.example", "192.0.2.1", "Route", "fwd")


def test_a_number_that_is_not_there_is_a_page_that_says_so(looker: Looker) -> None:
    shown = looker.get("/messages/48211")
    assert shown.status == 404
    assert "Not found" in shown.plain


def test_who_may_only_look_is_told_who_can_act(looker: Looker) -> None:
    looker.api.scene.egress.will("jonas@example.com", GREYLISTED)
    (number,) = sent(looker)
    deliver(looker)
    looker.role = VIEWER
    shown = looker.get(f"/messages/{number}")
    assert shown.forms() == []
    assert shown.has("Only a member, admin or owner of acme can act on messages")


def test_the_log_that_cannot_be_loaded_fails_alone(
    looker: Looker, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise TemporaryFailure("away")

    (number,) = sent(looker)
    monkeypatch.setattr(MessageHistory, "deliveries", away)
    shown = looker.get(f"/messages/{number}")
    assert shown.status == 200
    assert shown.has("The attempts could not be loaded", "Accepted")


def test_hostile_texts_of_senders_and_receivers_do_nothing(looker: Looker) -> None:
    answer = TransactionResult(Reply(550, "5.1.1", EVIL), "RCPT")
    looker.api.scene.egress.will("jonas@example.com", answer)
    (number,) = sent(looker, subject=EVIL, tag=EVIL, metadata={"k": EVIL})
    deliver(looker)
    looker.role = MEMBER
    shown = looker.get(f"/messages/{number}")
    assert "<script>alert" not in shown.text
    assert "\u202e" not in shown.text
    assert "alert(1)" in shown.plain


def test_many_attempts_that_end_alike_are_folded(looker: Looker) -> None:
    looker.api.scene.egress.always("jonas@example.com", GREYLISTED)
    (number,) = sent(looker)
    bootstrap.run(looker.api.scene.play(86_400, 600))
    shown = looker.get(f"/messages/{number}")
    assert "more attempts, same answer" in shown.plain
    whole = looker.get(f"/messages/{number}", whole="1")
    assert "more attempts, same answer" not in whole.plain
    assert whole.plain.count("asked to come back later") > 9
