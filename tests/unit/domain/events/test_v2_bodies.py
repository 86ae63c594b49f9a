"""Bodies in the format `v2` have what api.md 2.18 says, in its order, and never more than 20 kB."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.engagement import EngagementEvent, EngagementKind
from chalicelib.domain.events.event import LONGEST_BODY
from chalicelib.domain.events.material import OF_DELIVERIES, OF_HITS, OF_REPORTS, Material
from chalicelib.domain.events.v2 import v2_body
from chalicelib.domain.model import MessageRecord, Scope, State, Status
from chalicelib.domain.numbering import MessageId
from chalicelib.domain.occurrence import EventType, Occurrence
from chalicelib.domain.tenancy.routes import Route
from tests.fakes import NOW, a_delivery, a_message, a_report, a_server, an_organization

SERVER = a_server(an_organization(permalink="acme"), permalink="mail")
MESSAGE = a_message(
    SERVER.id,
    12345,
    token="abcdef1234567890",  # the name of a message
    stream="broadcast",
    tag="welcome",
    metadata='{"order":"17"}',
    scheduled_at=NOW + 900.0,
)
RECORD = MessageRecord(MESSAGE, Status.SOFT_FAIL, State.WAITING)
HIT = EngagementEvent(EngagementKind.CLICK, NOW + 1.0, "192.0.2.1", "Mozilla", "https://a.test/")
BY = {"kind": "user", "id": "u1", "name": "Ada"}
SUPPRESSION = {"address": "bob@example.com", "scope": "server"}
UNTIL = "2027-01-15T08:05:00.000Z"
ENVELOPE = ["id", "type", "timestamp", "server", "data"]
EMAIL = (
    "id token direction status from to subject message_id stream tag metadata size spam_status"
    " received_at"
)


def material(kind: EventType, detail: Any = None, **changes: Any) -> Material:
    is_of_email = kind.value.startswith("email.")
    values: dict[str, Any] = {
        "occurrence": Occurrence(
            kind,
            SERVER.id,
            NOW + 1.5,
            "7",
            MESSAGE.id if is_of_email else None,
            None if detail is None else json.dumps(detail),
        ),
        "server": SERVER,
        "record": RECORD if is_of_email else None,
        "delivery": a_delivery(7) if kind in OF_DELIVERIES else None,
        "report": a_report(7, MESSAGE.id, MessageId(8)) if kind in OF_REPORTS else None,
        "hit": HIT if kind in OF_HITS else None,
    }
    return Material(**(values | changes))


def shown(made: Material) -> Any:
    assert made.is_whole
    body = v2_body("the-id", made)
    assert body is not None
    return json.loads(body)


CASES: list[tuple[EventType, Any, list[str], str | None]] = [
    (EventType.EMAIL_RECEIVED, None, ["email", "route"], "Pending"),
    (EventType.EMAIL_SCHEDULED, None, ["email", "scheduled_at"], "Pending"),
    (EventType.EMAIL_DELIVERED, None, ["email", "delivery"], "Sent"),
    (
        EventType.EMAIL_DELAYED,
        {"until": NOW + 300},
        ["email", "delivery", "next_attempt_at"],
        "SoftFail",
    ),
    (EventType.EMAIL_FAILED, None, ["email", "delivery"], "HardFail"),
    (
        EventType.EMAIL_HELD,
        {"until": NOW + 300},
        ["email", "delivery", "wait", "hold_expires_at"],
        "Held",
    ),
    (EventType.EMAIL_RELEASED, {"by": BY}, ["email", "by"], "Pending"),
    (EventType.EMAIL_CANCELLED, {"by": BY}, ["email", "delivery", "by"], "HoldCancelled"),
    (EventType.EMAIL_BOUNCED, None, ["email", "report"], "Bounced"),
    (EventType.EMAIL_COMPLAINED, None, ["email", "report"], "SoftFail"),
    (EventType.EMAIL_OPENED, None, ["email", "visit"], "SoftFail"),
    (EventType.EMAIL_CLICKED, None, ["email", "visit"], "SoftFail"),
    (EventType.EMAIL_UNSUBSCRIBED, SUPPRESSION, ["email", "suppression"], "SoftFail"),
    (EventType.SUPPRESSION_ADDED, SUPPRESSION, ["suppression"], None),
    (EventType.SUPPRESSION_REMOVED, SUPPRESSION, ["suppression"], None),
    (EventType.DOMAIN_DNS_FAILED, {"domain": {"name": "a"}}, ["domain"], None),
    (EventType.DOMAIN_DNS_RECOVERED, {"domain": {"name": "a"}}, ["domain"], None),
    (EventType.SERVER_LIMIT_APPROACHING, {"limit": 9}, ["limit"], None),
    (EventType.SERVER_LIMIT_EXCEEDED, {"limit": 9}, ["limit"], None),
    (EventType.SERVER_RATE_EXCEEDED, {"rate": "bounce_rate"}, ["rate"], None),
    (EventType.SERVER_RATE_RECOVERED, {"rate": "bounce_rate"}, ["rate"], None),
    (EventType.WEBHOOK_TEST, None, ["webhook"], None),
]


@pytest.mark.parametrize(
    ("kind", "detail", "names", "status"), CASES, ids=lambda one: getattr(one, "value", None)
)
def test_each_type_has_its_data(
    kind: EventType, detail: Any, names: list[str], status: str | None
) -> None:
    event = shown(material(kind, detail))
    assert list(event) == ENVELOPE
    assert (event["id"], event["type"], event["server"]) == ("the-id", kind.value, "acme/mail")
    assert event["timestamp"] == "2027-01-15T08:00:01.500Z"
    data = event["data"]
    assert list(data) == names
    if status is not None:
        assert list(data["email"]) == EMAIL.split()
        assert data["email"]["status"] == status


def test_every_type_has_a_case() -> None:
    assert [one[0] for one in CASES] == list(EventType)


def test_an_email_says_what_the_client_gave() -> None:
    email = shown(material(EventType.EMAIL_DELIVERED))["data"]["email"]
    assert email == {
        "id": 12345,
        "token": "abcdef1234567890",
        "direction": "outgoing",
        "status": "Sent",
        "from": "hello@acme.test",
        "to": "john12345@example.com",
        "subject": "Your order is on its way",
        "message_id": MESSAGE.message_id,
        "stream": "broadcast",
        "tag": "welcome",
        "metadata": {"order": "17"},
        "size": 20480,
        "spam_status": "NotChecked",
        "received_at": "2027-01-15T08:00:00.250Z",
    }
    bare = a_message(SERVER.id, 1, scope=Scope.INCOMING, mail_from="", subject="", message_id="")
    email = shown(material(EventType.EMAIL_RECEIVED, record=MessageRecord(bare)))["data"]["email"]
    assert [email[name] for name in ("from", "subject", "message_id", "stream")] == [None] * 4
    assert (email["metadata"], email["direction"]) == ({}, "incoming")


def test_what_goes_with_it() -> None:
    held = a_delivery(7, Status.HELD, details="Held by Ada.", log_id=None)
    data = shown(material(EventType.EMAIL_HELD, {"until": NOW + 300}, delivery=held))["data"]
    assert data["wait"] == {
        "code": "manual",
        "detail": "Held by Ada.",
        "since": "2027-01-15T08:00:01.500Z",
        "until": UNTIL,
        "others": None,
        "ahead": None,
    }
    assert data["hold_expires_at"] == UNTIL
    delayed = shown(material(EventType.EMAIL_DELAYED, {"until": NOW + 300}))["data"]
    assert delayed["next_attempt_at"] == UNTIL
    assert shown(material(EventType.EMAIL_DELAYED))["data"]["next_attempt_at"] is None
    scheduled = shown(material(EventType.EMAIL_SCHEDULED))["data"]
    assert scheduled["scheduled_at"] == "2027-01-15T08:15:00.000Z"
    route = Route("rtmuzogUauKN", SERVER.id, "u", 1, "support", "a.test", "token", NOW)
    received = shown(material(EventType.EMAIL_RECEIVED, route=route))["data"]
    assert received["route"] == {"id": "rtmuzogUauKN", "name": "support"}
    assert shown(material(EventType.EMAIL_RECEIVED))["data"]["route"] is None
    assert shown(material(EventType.EMAIL_CANCELLED, {"by": BY}))["data"]["by"] == BY
    system = {"kind": "system", "id": None, "name": "posthorn"}
    assert shown(material(EventType.EMAIL_CANCELLED))["data"]["by"] == system


def test_a_domain_that_is_still_wrong_is_no_event_here() -> None:
    again = material(EventType.DOMAIN_DNS_FAILED, {"again": True, "postal": {}})
    assert v2_body("x", again) is None


@pytest.mark.parametrize("letter", ["x", "ü", "\N{PILE OF POO}", '"', "\x00", "\udc80"])
def test_no_body_is_longer_than_20_kb(letter: str) -> None:
    long = letter * 30_000
    hit = replace(HIT, user_agent=long, url=long)
    message = replace(MESSAGE, subject=long, metadata=json.dumps({str(n): long for n in range(20)}))
    delivery = a_delivery(7, details=long, output=long)
    for made in (
        material(EventType.EMAIL_CLICKED, hit=hit, record=MessageRecord(message)),
        material(EventType.EMAIL_FAILED, delivery=delivery, record=MessageRecord(message)),
        material(EventType.DOMAIN_DNS_FAILED, {"domain": [{"value": long}] * 40}),
    ):
        body = v2_body("x", made)
        assert body is not None
        assert len(body) <= LONGEST_BODY
        json.loads(body)
    if letter == "\x00":  # six octets of JSON: cut once more
        return
    visit = shown(material(EventType.EMAIL_CLICKED, hit=hit))["data"]["visit"]
    for text in (visit["url"], visit["user_agent"]):
        assert 1_990 < len(text.encode("utf-8", "replace")) <= 2_000


@pytest.mark.parametrize(
    "gone",
    [
        {"record": None},
        {"delivery": None},
    ],
)
def test_what_was_removed_leaves_no_whole(gone: dict[str, Any]) -> None:
    assert not material(EventType.EMAIL_DELIVERED, **gone).is_whole
    assert not material(EventType.EMAIL_BOUNCED, report=None).is_whole
    assert not material(EventType.EMAIL_OPENED, hit=None).is_whole
