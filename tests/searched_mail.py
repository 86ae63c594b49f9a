"""A server full of mail of every kind, each message by a name, for searches to be tried on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from chalicelib.bootstrap import Posthorn
from chalicelib.domain import lifecycle
from chalicelib.domain.engagement import EngagementEvent, EngagementKind
from chalicelib.domain.ids import make_token
from chalicelib.domain.inspection import Inspection, Spam
from chalicelib.domain.model import (
    Arrival,
    DeliveryJob,
    Message,
    MessageRecord,
    Origin,
    Scope,
    Status,
)
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.ports.engagement import Engagement
from chalicelib.ports.messages import MessageStore
from tests.fakes import NOW, a_delivery, a_message

DAY = 86_400
_Moved = Callable[[MessageRecord], MessageRecord]


def _done(status: Status, cause: str | None = None) -> _Moved:
    def moved(record: MessageRecord) -> MessageRecord:
        at = record.message.received_at + 1.5
        return lifecycle.done(record, replace(a_delivery(9, status, at=at), cause=cause))

    return moved


def _sent(record: MessageRecord) -> MessageRecord:
    return replace(_done(Status.SENT)(record), provider="google")


def _held(details: str) -> _Moved:
    def moved(record: MessageRecord) -> MessageRecord:
        delivery = replace(a_delivery(9, Status.HELD, at=NOW + 1.0), details=details, log_id=None)
        return lifecycle.held(record, delivery, NOW + 7 * DAY)

    return moved


def _retried(tries: int, cause: str) -> _Moved:
    def moved(record: MessageRecord) -> MessageRecord:
        failed = replace(a_delivery(9, Status.SOFT_FAIL, at=NOW + 1.0), cause=cause)
        return replace(lifecycle.waiting(record, failed, NOW + 600), tries=tries, provider="gmx")

    return moved


def _spam(moved: _Moved) -> _Moved:
    return lambda record: replace(moved(record), inspection=Inspection(Spam(score=9.0)))


# A name, how old it is in days, how it stands, and what it is.
Row = tuple[str, float, _Moved | None, dict[str, Any]]


def _outgoing(name: str, age: float, moved: _Moved | None, subject: str, **more: Any) -> Row:
    return name, age, moved, {"subject": subject} | more


def _incoming(name: str, age: float, moved: _Moved | None, subject: str, **more: Any) -> Row:
    about = {
        "scope": Scope.INCOMING,
        "mail_from": "john@sender.example",
        "rcpt_to": "support@acme.example",
        "origin": Origin("@incoming", "acme.example", ""),
        "arrival": Arrival("rtsupport", "epcrm"),
    }
    return name, age, moved, {"subject": subject} | about | more


BULK = Origin("bulk", "acme.example", "crnewsletter")
MAIL: tuple[Row, ...] = (
    _outgoing("old", 400, _sent, "Happy New Year", rcpt_to="Bob@Example.com"),
    _outgoing(
        "hello", 40, _sent, "Hello, welcome aboard!", tag="Welcome", rcpt_to="bob@example.com"
    ),
    _outgoing(
        "order7", 9, _sent, "Your order 7", metadata='{"Order":"7","city":"Köln"}', size=1_000
    ),
    _outgoing("order17", 8, _sent, "Your order №17", metadata='{"order":"17"}', size=1_000_001),
    _outgoing(
        "obrien", 7, _sent, "O’Brien's invoice", rcpt_to="o'brien@example.net", tag="invoice"
    ),
    _outgoing("resume", 6, _sent, "Re\u0301sume\u0301 received", tag="résumé"),
    _outgoing(
        "plain", 5.9, _sent, "Resume received", tag="resume", message_id="Plain-1@acme.example"
    ),
    _outgoing("german", 5.8, _sent, "Straßenfest – Grüße", rcpt_to="bob@xn--bcher-kva.example"),
    _outgoing("greek", 5.7, _sent, "ΟΔΥΣΣΕΥΣ γυρίζει"),
    _outgoing("cyrillic", 5.6, _sent, "Заказ №5 подтверждён"),
    _outgoing("chinese", 5.5, _sent, "您的订单已发货"),
    _outgoing("chinese2", 5.45, _sent, "订您单的"),
    _outgoing("japanese", 5.4, _sent, "ｶﾀｶﾅのテスト"),
    _outgoing("thai", 5.3, _sent, "สวัสดีครับ"),
    _outgoing("korean", 5.2, _sent, "주문이 완료되었습니다"),
    _outgoing("arabic", 5.1, _sent, "مرحبا بالعالم"),
    _outgoing("hindi", 5.0, _sent, "नमस्ते दुनिया"),
    _outgoing("ligature", 4.9, _sent, "The ﬁnal oﬀer Ⅷ"),
    _outgoing("empty", 4.8, _sent, "", rcpt_to="postmaster"),
    _outgoing("emoji", 4.7, _sent, "🎉🎉"),
    _outgoing("news", 4, _sent, "Newsletter: May", stream="broadcast", origin=BULK, tag="news-05"),
    _outgoing(
        "news2", 3, _sent, "Newsletter: June", stream="broadcast", origin=BULK, tag="news-06"
    ),
    _outgoing("failed", 2.5, _done(Status.HARD_FAIL, "recipient_unknown"), "Hello nobody"),
    _outgoing("bounced", 2.4, _done(Status.BOUNCED, "mailbox_full"), "Hello full"),
    _outgoing("cancelled", 2.3, _done(Status.HOLD_CANCELLED), "Hello not"),
    _outgoing("held", 2, _held("Held by ada."), "Quarterly report", tag="report"),
    _outgoing("limited", 1.9, _held("Message held because send limit of 9"), "Quarterly report 2"),
    _outgoing("retried", 0.2, _retried(4, "greylisted"), "Order retried", origin=BULK, tag="late"),
    _outgoing("again", 0.05, _retried(1, "connection"), "Order again", rcpt_to="eve@example.net"),
    _outgoing("later", 0.04, None, "Later", scheduled_at=NOW + DAY + 0.0),
    _outgoing("queued", 0.01, None, "Just now", rcpt_to="Eve@Example.net"),
    _incoming("question", 8.5, _sent, "Re: Your order 7", message_id="<q7@sender.example>"),
    _incoming("junk", 3.5, _spam(_held("Message placed into quarantine as spam")), "WIN MONEY"),
    _incoming("spam", 3.4, _spam(_sent), "Win money now", rcpt_to="sales@acme.example"),
    _incoming("report", 2.45, _done(Status.PROCESSED), "Undelivered", mail_from="", bounce=True),
    _incoming("waiting", 0.1, _retried(2, "connection"), "Urgent: order 7"),
    _incoming("replayed", 0.09, _sent, "Urgent too", arrival=Arrival("rtsales", "")),
)
OPENED, CLICKED = ("hello", "news2", "order7"), ("news2",)
NAMES = tuple(row[0] for row in sorted(MAIL, key=lambda row: -row[1]))
"""All names, the oldest message first: they get rising numbers in this order."""


async def fill(program: Posthorn, server: ServerId) -> dict[str, MessageRecord]:
    """Store the mail; all records by their names. The index is not told of them."""
    messages, numbers = program[MessageStore], {name: n for n, name in enumerate(NAMES, 1)}
    for name, age, moved, about in MAIL:
        message = _message(server, numbers[name], age, about)
        assert await messages.create([message]) == [True]
        if moved is not None:
            await _move(messages, message, moved)
    for name in OPENED:
        await _hit(program, server, numbers[name], EngagementKind.OPEN)
    for name in CLICKED:
        await _hit(program, server, numbers[name], EngagementKind.CLICK)
    refs = [(server, MessageId(number)) for number in numbers.values()]
    return dict(zip(numbers, await messages.get_many(refs), strict=True))


def _message(server: ServerId, number: int, age: float, about: dict[str, Any]) -> Message:
    token = make_token(server, number, number.to_bytes(6, "big"))
    origin = Origin("default", "acme.example", "crapp")
    fixed = {"token": token, "received_at": NOW - age * DAY, "origin": origin, "size": 2_000}
    sender = {"mail_from": "app@acme.example", "rcpt_to": f"user{number}@example.org"}
    return a_message(server, number, **(fixed | sender | about))


async def _move(messages: MessageStore, message: Message, moved: _Moved) -> None:
    record = await messages.claim(DeliveryJob(message, 0), "me", NOW, NOW + 300)
    assert isinstance(record, MessageRecord)
    assert await messages.replace(record, moved(record))


async def _hit(program: Posthorn, server: ServerId, number: int, kind: EngagementKind) -> None:
    url = "https://acme.example/" if kind is EngagementKind.CLICK else None
    hit = EngagementEvent(kind, NOW + 5.0, "192.0.2.9", "Mozilla/5.0", url)
    await program[Engagement].record(server, MessageId(number), hit, NOW + 60 * DAY)
