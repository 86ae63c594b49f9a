"""The values that older commits wrote, as data under `tests/data/written-by` has them.

A value that has a field which the oldest of them did not know stands in `with_later_fields`.
"""

from __future__ import annotations

from dataclasses import replace

from chalicelib.domain.dsn_parameters import DsnParameters
from chalicelib.domain.model import (
    BlobRef,
    Delivery,
    DeliveryJob,
    Message,
    MessageRecord,
    Origin,
    PendingOutcome,
    Scope,
    State,
    Status,
)
from chalicelib.domain.numbering import MessageId, ServerId

NOW = 1_800_000_000

ORDINARY = Message(
    server_id=ServerId(4711),
    id=MessageId(12),
    token="kq3v7x2m9d4t8w5z",
    scope=Scope.OUTGOING,
    mail_from="hello@acme.test",
    rcpt_to="John@Example.com",
    subject="Your order is on its way",
    message_id="8f0c2b@acme.test",
    received_at=NOW + 0.25,
    size=20_480,
    blob=BlobRef("r/4711/20270115/0a1b2c3d", 0, 20_480),
    origin=Origin("default", "acme.test", "c0ffee"),
)
EVERY_FIELD = replace(
    ORDINARY,
    server_id=ServerId(2**31 - 1),
    id=MessageId(2_000_000_000),
    rcpt_to="jörg@exämple.com",
    subject='Grüße ✓ "\\ \x1f 𝄞',
    received_at=float(NOW),
    blob=BlobRef("u/2147483647/x", 8_388_607, 1),
    tag="invoice",
    bounce=True,
    hold=True,
    received_with_ssl=True,
    smtputf8=True,
    dsn=DsnParameters("SUCCESS,FAILURE", "rfc822;j+40x@example.com", "HDRS", "QQ1"),
)
EMPTY_TEXTS = replace(
    ORDINARY,
    mail_from="",
    subject="",
    message_id="",
    origin=Origin("default", "", ""),
    hold=True,
    dsn=DsnParameters("NEVER"),
)
INCOMING = replace(
    ORDINARY,
    id=MessageId(13),
    scope=Scope.INCOMING,
    origin=replace(ORDINARY.origin, pool=""),
    bounce=True,
)

ACCEPTED = Delivery(
    id=7,
    status=Status.SENT,
    details="Message for john@example.com accepted by 198.51.100.7:25 (mx.example.com)",
    at=NOW + 1.5,
    output="250 2.0.0 OK queued as 4F1Xyz",
    sent_with_ssl=True,
    log_id="AB12CD34",
    seconds=0.22,
    tls="TLSv1.3 TLS_AES_256_GCM_SHA384",
    source="192.0.2.10",
    remote="198.51.100.7:25 (mx.example.com)",
)
BARE = Delivery(8, Status.HELD, "", float(NOW))
DELIVERIES = {
    "accepted": ACCEPTED,
    "bare": BARE,
    **{status.value: replace(BARE, status=status, output="", seconds=0.0) for status in Status},
}

OUTCOME = PendingOutcome(
    owner="0123456789abcdef",
    state=State.WAITING,
    tries=3,
    wake_at=NOW + 3_600,
    by_sweeper=True,
    hold_expires_at=None,
    delivery=replace(ACCEPTED, status=Status.SOFT_FAIL),
)
JOBS = {
    "ordinary": DeliveryJob(ORDINARY, 0),
    "every field": DeliveryJob(EVERY_FIELD, 19),
    "empty texts": DeliveryJob(EMPTY_TEXTS, 1),
    "incoming": DeliveryJob(INCOMING, 0),
    "manual": DeliveryJob(ORDINARY, 4, manual=True),
    "settlement": DeliveryJob(ORDINARY, 2, outcome=OUTCOME),
    "settlement of a hold": DeliveryJob(
        EVERY_FIELD,
        5,
        manual=True,
        outcome=PendingOutcome("o", State.HELD, 0, 0, False, NOW + 604_800, BARE),
    ),
}

NEW = MessageRecord(ORDINARY)
WAITING = replace(
    NEW,
    status=Status.SOFT_FAIL,
    attempt=2,
    tries=2,
    wake_at=NOW + 600,
    last_attempt_at=NOW + 1.5,
    deliveries=(replace(ACCEPTED, status=Status.SOFT_FAIL),),
)
RECORDS = {
    "new": NEW,
    "new with every field": MessageRecord(EVERY_FIELD),
    "new with empty texts": MessageRecord(EMPTY_TEXTS),
    "incoming": MessageRecord(INCOMING),
    "leased": replace(NEW, state=State.LEASED, lease_owner="0123abcd", lease_until=NOW + 420),
    "taken over": replace(
        NEW, state=State.LEASED, lease_owner="0123abcd", lease_until=NOW + 420, taken_over=True
    ),
    "waiting for a delayed wake-up": WAITING,
    "waiting in the due index": replace(WAITING, wake_at=NOW + 3_600, by_sweeper=True),
    "held": replace(
        NEW,
        status=Status.HELD,
        state=State.HELD,
        attempt=1,
        held=True,
        hold_expires_at=NOW + 604_800,
        deliveries=(BARE,),
    ),
    "failed": replace(NEW, status=Status.HARD_FAIL, state=State.DONE, attempt=1),
    "bounced": replace(NEW, status=Status.BOUNCED, state=State.DONE, attempt=1),
    "sent, opened and clicked": replace(
        NEW,
        message=EVERY_FIELD,
        status=Status.SENT,
        state=State.DONE,
        attempt=3,
        tries=2,
        last_attempt_at=NOW + 1.5,
        links=4,
        opened_at=NOW + 60.125,
        clicked_at=float(NOW + 90),
        deliveries=(BARE, replace(BARE, id=9), ACCEPTED),
    ),
}
SHARDS = {name: number % 4 for number, name in enumerate(RECORDS)}


def with_later_fields() -> tuple[
    dict[str, Delivery], dict[str, DeliveryJob], dict[str, MessageRecord]
]:
    """Deliveries, wake-ups and records with `about_us` and `lost_replies`."""
    about_us = replace(ACCEPTED, status=Status.SOFT_FAIL, about_us=True)
    outcome = replace(OUTCOME, delivery=about_us, lost_replies=2)
    return (
        {"about us": about_us},
        {"settlement after lost replies": DeliveryJob(ORDINARY, 2, outcome=outcome)},
        {"after lost replies": replace(WAITING, lost_replies=2, deliveries=(about_us,))},
    )
