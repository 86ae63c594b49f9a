"""What becomes of a message by what the receiving server says: sent, tried again by schedule, given up, suppressed."""

from __future__ import annotations

from itertools import pairwise

import pytest

from chalicelib.adapters.scripted.resolver import ScriptedResolver
from chalicelib.domain.errors import OutcomeUnknown, TemporaryFailure
from chalicelib.domain.model import State, Status
from chalicelib.domain.reply import Reply
from chalicelib.domain.tenancy.servers import UnknownOutcome
from chalicelib.ports.egress import TransactionResult
from chalicelib.ports.suppressions import SuppressionList
from chalicelib.services.outgoing.attempt_end import MAY_BE_DELIVERED
from chalicelib.services.queue.message_actions import MessageActions
from chalicelib.services.tenancy.servers import ServerOptions
from tests.queues import depth
from tests.stores import purge
from tests.worlds import CONTENT, make_scene

NOT_NOW = TransactionResult(Reply(450, "4.2.0", "Not now"), "RCPT")
GREYLISTED = TransactionResult(Reply(450, "4.2.0", "Greylisted"), "RCPT")
UNKNOWN_USER = TransactionResult(Reply(550, "5.1.1", "User unknown"), "RCPT")
LOST = OutcomeUnknown("Connection lost")
HOUR = 3600


async def test_a_message_is_signed_sent_and_recorded() -> None:
    scene = await make_scene()
    (accepted,) = await scene.accept()
    await scene.deliver_ready()
    record = await scene.record(accepted)
    assert (record.status, record.state, record.attempt) == (Status.SENT, State.DONE, 1)
    (delivery,) = record.deliveries
    assert delivery.details == (
        "Message for john@example.com accepted by 93.184.216.34:25 (mx.example.com)"
    )
    assert delivery.output == "250 2.0.0 OK"
    assert delivery.sent_with_ssl
    assert delivery.log_id is not None
    (received,) = scene.egress.received
    assert received.content.endswith(CONTENT)
    front = received.content.removesuffix(CONTENT)
    assert front.count(b"DKIM-Signature:") == 2
    assert b"X-Postal-MsgID: " + accepted.token.encode() in front
    assert received.envelope.mail_from.endswith("@psrp.acme.test")


async def test_each_recipient_has_a_message_and_a_return_path_of_its_own_and_they_share_the_body() -> (
    None
):
    scene = await make_scene()
    first, second = await scene.accept("a@example.com", "b@example.net")
    await scene.deliver_ready()
    paths = {each.envelope.rcpt_to: each.envelope.mail_from for each in scene.egress.received}
    assert set(paths) == {"a@example.com", "b@example.net"}
    assert len(set(paths.values())) == 2
    records = [await scene.record(first), await scene.record(second)]
    assert records[0].message.blob == records[1].message.blob


async def test_the_default_schedule_tries_eighteen_times_and_fails_after_thirty_one_hours() -> None:
    scene = await make_scene()
    scene.egress.always("john@example.com", NOT_NOW)
    (accepted,) = await scene.accept()
    start = scene.clock.now()
    await scene.play(40 * HOUR, step=60)
    record = await scene.record(accepted)
    *tries, last = record.deliveries
    assert [each.status for each in tries] == [Status.SOFT_FAIL] * 18
    assert last.status is Status.HARD_FAIL
    assert last.details.startswith("Maximum number of delivery attempts (18) has been reached.")
    waits = [after.at - before.at for before, after in pairwise(tries)]
    for k, wait in enumerate(waits):
        assert 0.9 * 300 * 1.3**k <= wait <= 1.1 * 300 * 1.3**k + 121
    assert 0.9 * 31 * HOUR <= last.at - start <= 1.1 * 31 * HOUR + 40 * 60
    listed = await scene.suppressed("john@example.com")
    assert listed is not None
    assert listed.reason == "too many soft fails"


async def test_a_server_s_own_schedule_is_followed() -> None:
    scene = await make_scene(server=ServerOptions(retry_schedule="1m,10m*2"))
    scene.egress.always("john@example.com", GREYLISTED)
    (accepted,) = await scene.accept()
    await scene.play(2 * HOUR, step=10)
    record = await scene.record(accepted)
    statuses = [each.status for each in record.deliveries]
    assert statuses == [*[Status.SOFT_FAIL] * 4, Status.HARD_FAIL]
    assert "(4) has been reached" in record.deliveries[-1].details


SOFTLY_ABOUT_US = [
    TransactionResult(Reply(450, "", "Not now"), "MAIL"),
    TransactionResult(Reply(421, "", "Too many connections"), "RCPT"),
    TransactionResult(Reply(451, "4.7.1", "Your network is deferred"), "RCPT"),
    TransactionResult(Reply(530, "5.7.0", "Authenticate first"), "RCPT"),
    GREYLISTED,
    TemporaryFailure("The connection timed out."),
    TemporaryFailure("The connection was lost: closed."),
]


@pytest.mark.parametrize("failure", SOFTLY_ABOUT_US, ids=str)
async def test_the_last_attempt_suppresses_nobody_when_it_failed_for_our_sake(
    failure: TransactionResult | TemporaryFailure,
) -> None:
    scene = await make_scene(server=ServerOptions(retry_schedule="1m,10m*2"))
    scene.egress.always("john@example.com", failure)
    (accepted,) = await scene.accept()
    await scene.play(2 * HOUR, step=10)
    last = (await scene.record(accepted)).deliveries[-1]
    assert (last.status, last.details) == (
        Status.HARD_FAIL,
        "Maximum number of delivery attempts (4) has been reached.",
    )
    assert await scene.suppressed("john@example.com") is None


@pytest.mark.parametrize("turned_away", [True, False])
async def test_a_host_that_cannot_be_reached_suppresses_and_one_that_turns_us_away_does_not(
    turned_away: bool,
) -> None:
    scene = await make_scene(server=ServerOptions(retry_schedule="1m,10m*2"))
    fields = {"turned_away": 1} if turned_away else {}
    away = TemporaryFailure("No", reply=Reply(554, "", "No"), **fields)
    scene.egress.refuse("mx.example.com", *[away] * 20)
    (accepted,) = await scene.accept()
    await scene.play(2 * HOUR, step=10)
    last = (await scene.record(accepted)).deliveries[-1]
    assert last.status is Status.HARD_FAIL
    assert ("Added john@example.com to suppression list" in last.details) is not turned_away
    assert (await scene.suppressed("john@example.com") is None) is turned_away


async def test_the_remote_s_hint_overrides_the_schedule() -> None:
    scene = await make_scene()
    hint = TransactionResult(Reply(451, "4.7.1", "Greylisted, try again in 2 minutes"), "RCPT")
    scene.egress.will("john@example.com", hint)
    (accepted,) = await scene.accept()
    await scene.deliver_ready()
    record = await scene.record(accepted)
    assert record.wake_at - int(record.deliveries[0].at) == 130
    await scene.play(140, step=10)
    assert (await scene.record(accepted)).status is Status.SENT


async def test_a_long_wait_goes_through_the_due_index_and_a_short_one_through_the_queue() -> None:
    scene = await make_scene(server=ServerOptions(retry_schedule="5m,1h"))
    scene.egress.will("john@example.com", GREYLISTED, GREYLISTED)
    (accepted,) = await scene.accept()
    await scene.deliver_ready()
    short = await scene.record(accepted)
    assert not short.by_sweeper
    assert depth(scene.posthorn) == 1
    await scene.play(340, step=10)
    long = await scene.record(accepted)
    assert long.by_sweeper
    assert depth(scene.posthorn) == 0
    await scene.play(1.2 * HOUR)
    assert (await scene.record(accepted)).status is Status.SENT


async def test_a_permanent_refusal_fails_at_once_and_the_second_in_a_day_suppresses() -> None:
    scene = await make_scene()
    scene.egress.always("john@example.com", UNKNOWN_USER)
    (first,) = await scene.accept()
    await scene.deliver_ready()
    record = await scene.record(first)
    assert record.status is Status.HARD_FAIL
    assert record.deliveries[0].details == (
        "Permanent SMTP delivery error when sending to 93.184.216.34:25 (mx.example.com)"
    )
    assert record.deliveries[0].output == "550 5.1.1 User unknown"
    (second,) = await scene.accept()
    await scene.deliver_ready()
    details = (await scene.record(second)).deliveries[0].details
    assert details == (
        "Permanent SMTP delivery error when sending to 93.184.216.34:25 (mx.example.com). "
        "Recipient added to suppression list (too many hard fails)"
    )
    (third,) = await scene.accept()
    await scene.deliver_ready()
    held = await scene.record(third)
    assert held.status is Status.HELD
    assert "is on the suppression list (reason: too many hard fails)" in held.deliveries[0].details


async def test_a_suppression_that_could_not_be_stored_is_not_said_to_be(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene = await make_scene()
    scene.egress.always("john@example.com", UNKNOWN_USER)
    await scene.accept()
    await scene.deliver_ready()

    async def away(*asked: object) -> None:
        raise TemporaryFailure("The store is away")

    monkeypatch.setattr(scene.posthorn[SuppressionList], "put", away)
    (second,) = await scene.accept()
    await scene.deliver_ready()
    record = await scene.record(second)
    assert record.status is Status.HARD_FAIL
    assert record.deliveries[0].details == (
        "Permanent SMTP delivery error when sending to 93.184.216.34:25 (mx.example.com)"
    )


@pytest.mark.parametrize(
    ("policy", "status"),
    [(UnknownOutcome.RESEND, Status.SOFT_FAIL), (UnknownOutcome.HOLD, Status.HELD)],
)
async def test_a_connection_lost_after_the_final_dot_is_tried_again_or_held(
    policy: UnknownOutcome, status: Status
) -> None:
    scene = await make_scene(server=ServerOptions(unknown_outcome=policy))
    scene.egress.will("john@example.com", OutcomeUnknown("Connection lost"))  # type: ignore[arg-type]
    (accepted,) = await scene.accept()
    await scene.deliver_ready()
    assert (await scene.record(accepted)).status is status
    assert len(scene.egress.received) == 1


async def test_a_domain_that_accepts_no_mail_suppresses_in_two_sentences() -> None:
    scene = await make_scene()
    scene.posthorn[ScriptedResolver].zone["example.com"] = {"MX": [(0, "")]}
    await scene.accept()
    await scene.deliver_ready()
    (second,) = await scene.accept()
    await scene.deliver_ready()
    assert (await scene.record(second)).deliveries[0].details == (
        "The recipient's domain accepts no mail. "
        "Recipient added to suppression list (too many hard fails)"
    )


ABOUT_US = [
    TransactionResult(Reply(550, "5.1.1", "User unknown"), "MAIL"),
    TransactionResult(Reply(550, "", "Sender rejected"), "MAIL"),
    TransactionResult(Reply(550, "5.7.1", "Blocked by policy"), "RCPT"),
    TransactionResult(Reply(554, "5.7.26", "Unauthenticated mail"), "."),
    TransactionResult(Reply(550, "5.7.0", "Not here"), "DATA"),
    TransactionResult(Reply(550, "5.1.8", "Sender address rejected"), "RCPT"),
    TransactionResult(Reply(552, "5.3.4", "Message too big"), "."),
    TransactionResult(Reply(552, "5.2.2", "Mailbox full"), "."),
    TransactionResult(Reply(554, "5.6.0", "Bad content"), "."),
]


@pytest.mark.parametrize("refusal", ABOUT_US, ids=lambda one: f"{one.stage} {one.reply}")
async def test_refusals_of_the_sender_or_the_message_never_suppress_a_recipient(
    refusal: TransactionResult,
) -> None:
    """Neither do they suppress, nor count towards it: a real refusal after them is the first."""
    scene = await make_scene()
    scene.egress.will("john@example.com", refusal, refusal, UNKNOWN_USER, refusal, UNKNOWN_USER)
    details = []
    for _ in range(5):
        (accepted,) = await scene.accept()
        await scene.deliver_ready()
        record = await scene.record(accepted)
        assert record.status is Status.HARD_FAIL
        details.append(record.deliveries[0].details)
    assert len(set(details[:4])) == 1
    assert "suppression" not in details[0]
    assert details[4].endswith(". Recipient added to suppression list (too many hard fails)")


@pytest.mark.parametrize(
    "refusal",
    [
        TransactionResult(Reply(550, "5.1.1", "User unknown"), "RCPT"),
        TransactionResult(Reply(550, "", "No such user"), "RCPT"),
        TransactionResult(Reply(550, "5.2.1", "Mailbox disabled"), "."),
        TransactionResult(Reply(550, "5.4.1", "Recipient address rejected: Access denied"), "RCPT"),
        TransactionResult(Reply(554, "5.0.0", "No"), "DATA"),
    ],
    ids=lambda one: f"{one.stage} {one.reply}",
)
async def test_refusals_of_the_recipient_suppress_at_the_second(refusal: TransactionResult) -> None:
    scene = await make_scene()
    scene.egress.always("john@example.com", refusal)
    await scene.accept()
    await scene.deliver_ready()
    (second,) = await scene.accept()
    await scene.deliver_ready()
    assert "Recipient added" in (await scene.record(second)).deliveries[0].details


async def test_failures_without_a_conversation_do_not_count_against_the_recipient() -> None:
    scene = await make_scene()
    (purged,) = await scene.accept()
    purge(scene.posthorn, (await scene.record(purged)).message.blob)
    await scene.deliver_ready()
    assert (await scene.record(purged)).status is Status.HARD_FAIL
    scene.egress.always("john@example.com", UNKNOWN_USER)
    (refused,) = await scene.accept()
    await scene.deliver_ready()
    assert "suppression" not in (await scene.record(refused)).deliveries[0].details


async def test_a_lost_reply_is_repeated_seldom_and_ends_with_words_that_say_so() -> None:
    scene = await make_scene()
    scene.egress.always("john@example.com", LOST)
    (accepted,) = await scene.accept()
    await scene.play(40 * HOUR, step=300)
    record = await scene.record(accepted)
    *tries, last = record.deliveries
    assert [each.status for each in tries] == [Status.SOFT_FAIL] * 3
    assert (last.status, last.details) == (Status.HARD_FAIL, MAY_BE_DELIVERED)
    assert last.output == "Connection lost"
    assert record.state is State.DONE
    assert len(scene.egress.received) == 4
    waits = [after.at - before.at for before, after in pairwise(record.deliveries)]
    assert waits[0] >= 0.5 * HOUR
    assert waits[1] > 2 * waits[0]
    assert waits[2] > 2 * waits[1]
    assert await scene.suppressed("john@example.com") is None
    scene.egress.always("john@example.com", UNKNOWN_USER)
    (refused,) = await scene.accept()
    await scene.deliver_ready()
    assert "suppression" not in (await scene.record(refused)).deliveries[0].details


async def test_lost_replies_are_not_forgotten_between_other_failures() -> None:
    scene = await make_scene()
    scene.egress.will("john@example.com", *[LOST, GREYLISTED, GREYLISTED] * 6)
    (accepted,) = await scene.accept()
    await scene.play(60 * HOUR, step=300)
    record = await scene.record(accepted)
    assert record.deliveries[-1].details == MAY_BE_DELIVERED
    assert len(scene.egress.received) == 10  # the fourth lost reply is the last


async def test_a_lost_reply_follows_a_slower_schedule_of_the_server_and_its_end() -> None:
    scene = await make_scene(server=ServerOptions(retry_schedule="2d,1m"))
    scene.egress.always("john@example.com", LOST)
    (accepted,) = await scene.accept()
    await scene.deliver_ready()
    record = await scene.record(accepted)
    assert record.wake_at - scene.clock.now() > 1.7 * 24 * HOUR
    await scene.play(5 * 24 * HOUR, step=600)
    record = await scene.record(accepted)
    assert [each.status for each in record.deliveries] == [
        *[Status.SOFT_FAIL] * 2,
        Status.HARD_FAIL,
    ]
    assert record.deliveries[-1].details == MAY_BE_DELIVERED


async def test_a_person_s_retry_begins_anew_after_lost_replies() -> None:
    scene = await make_scene()
    scene.egress.always("john@example.com", LOST)
    (accepted,) = await scene.accept()
    await scene.play(40 * HOUR, step=600)
    await scene.posthorn[MessageActions].retry(scene.server.id, accepted.id)
    await scene.deliver_ready()
    record = await scene.record(accepted)
    assert (record.status, record.lost_replies, record.tries) == (Status.SOFT_FAIL, 1, 1)


async def test_a_message_whose_body_was_purged_fails() -> None:
    scene = await make_scene()
    (accepted,) = await scene.accept()
    record = await scene.record(accepted)
    purge(scene.posthorn, record.message.blob)
    await scene.deliver_ready()
    after = await scene.record(accepted)
    assert after.status is Status.HARD_FAIL
    assert after.deliveries[0].details == "Raw message has been removed. Cannot send message."
