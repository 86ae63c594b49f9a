"""Rows of a message database become messages as they were, with all that hangs on them."""

from __future__ import annotations

from typing import Any

from chalicelib.domain.engagement import EngagementKind
from chalicelib.domain.inspection import SpamStatus
from chalicelib.domain.model import INCOMING_QUEUE, BlobRef, MessageRecord, Scope, State, Status
from chalicelib.domain.postal.messages import (
    Known,
    PostalMessage,
    hits_of,
    links_of,
    message_of,
    record_of,
)
from tests.postal_rows import a_row, a_server, rows

BLOB = BlobRef("k", 0, 5)
NOW = 1_795_900_000
KNOWN = Known(
    a_server(),
    {2: "golden.example"},
    {4: "cred"},
    {7: "route"},
    {("SMTPEndpoint", 1): "endpoint"},
)


def given(number: int, queued: Any = None, **changes: Any) -> PostalMessage:
    def of(table: str) -> list[dict[str, Any]]:
        return [row for row in rows(table, "server") if row["message_id"] == number]

    row = a_row("messages", number, "server", **changes)
    return PostalMessage(
        row, of("deliveries"), of("links"), of("loads"), of("clicks"), queued=queued
    )


def record(message: PostalMessage) -> MessageRecord:
    return record_of(message, message_of(message, KNOWN, BLOB), NOW)


def test_a_message_that_was_opened_and_clicked() -> None:
    mail = given(93)
    one = record(mail)
    message = one.message
    assert (message.id, message.token, message.scope) == (93, "Hiv3AHdJniF7Cp5G", Scope.OUTGOING)
    assert (message.mail_from, message.rcpt_to) == ("hello@golden.example", "open@dest.example")
    assert (message.size, message.tag, message.received_with_ssl) == (1316, "welcome", True)
    assert message.origin.domain == "golden.example" and message.origin.credential_id == "cred"
    assert message.received_at == 1795899861.759701
    assert (one.status, one.state, one.attempt, one.links) == (Status.SENT, State.DONE, 1, 4)
    assert (one.opened_at, one.clicked_at) == (1795899865.320611, 1795899865.3828)
    (delivery,) = one.deliveries
    assert (delivery.id, delivery.log_id, delivery.output) == (94, "OXFAOM3N", "250 OK")
    assert one.sent_at == delivery.at
    assert links_of(mail)[1] == "http://acme.example/end"
    hits = hits_of(mail)
    assert [hit.kind for hit in hits].count(EngagementKind.OPEN) == 2
    assert [hit.url for hit in hits if hit.kind is EngagementKind.CLICK] == [
        *links_of(mail),
        links_of(mail)[0],
    ]


def test_what_became_of_others() -> None:
    hard, bounced, bounce, held = (record(given(number)) for number in (95, 99, 100, 97))
    assert (hard.status, hard.failed_at) == (Status.HARD_FAIL, 1795899880.186646)
    assert (bounced.status, bounced.failed_at, bounced.sent_at) == (
        Status.BOUNCED,
        1795899905.533714,
        1795899900.528924,
    )
    assert (bounce.bounce_of, bounce.message.bounce, bounce.message.mail_from) == (99, True, "")
    assert bounce.message.origin.pool == INCOMING_QUEUE
    assert (held.state, held.held, held.hold_expires_at) == (State.HELD, True, 1796504690)
    assert held.status is Status.HELD


def test_an_incoming_message_knows_its_way_and_what_was_found() -> None:
    one = record(given(107))
    arrival = one.message.arrival
    assert arrival is not None
    assert (arrival.route_id, arrival.endpoint_id) == ("route", "endpoint")
    assert one.inspection is not None
    assert one.inspection.spam.status is SpamStatus.NOT_SPAM
    spam = record(given(107, spam=1, spam_score="7.25"))
    assert spam.inspection is not None
    assert (spam.inspection.spam.status, spam.inspection.spam.score) == (SpamStatus.SPAM, 7.25)
    assert record(given(93)).inspection is None


def test_what_waits_has_its_attempts_behind_it() -> None:
    (queued,) = rows("queued_messages")
    one = record(given(296, queued))
    assert (one.state, one.status, one.tries) == (State.WAITING, Status.SOFT_FAIL, 1)
    assert (one.by_sweeper, one.released, one.attempt) == (True, False, 1)
    assert one.wake_at > one.message.received_at
    fresh = record(given(296, queued | {"retry_after": None, "manual": 1, "attempts": 0}))
    assert (fresh.wake_at, fresh.released, fresh.tries) == (NOW, True, 0)
    # Without an entry in the queue nobody would have tried again.
    assert record(given(94)).state is State.DONE


def test_what_is_gone_is_nothing() -> None:
    one = record(given(93, size=None, domain_id=None, credential_id=77, status="Odd"))
    assert (one.message.size, one.message.origin.domain) == (0, "")
    assert (one.message.origin.credential_id, one.status) == ("", Status.PENDING)
