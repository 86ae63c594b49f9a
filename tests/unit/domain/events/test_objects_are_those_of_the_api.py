"""What events show of deliveries, reports, visits, waits and domains is what the API shows, name by name."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from chalicelib.api.v2 import delivery_models, models
from chalicelib.api.v2.domain_models import domain_shown
from chalicelib.api.v2.objects import as_json
from chalicelib.api.v2.report_models import Report
from chalicelib.domain.dns.records import DnsRecord
from chalicelib.domain.engagement import EngagementEvent, EngagementKind
from chalicelib.domain.events import objects
from chalicelib.domain.events.domains import domain_object
from chalicelib.domain.model import MessageRecord, Status
from chalicelib.domain.numbering import MessageId
from chalicelib.domain.tenancy.dkim_key import DkimKey
from chalicelib.domain.tenancy.domain_states import DomainState
from chalicelib.domain.tenancy.domains import VerifiedBy
from chalicelib.domain.tenancy.findings import Finding, Purpose, RecordStatus
from chalicelib.domain.waits import Wait, WaitCode
from tests.fakes import NOW, a_delivery, a_domain, a_message, a_report, a_server, an_organization

if TYPE_CHECKING:
    from pydantic import BaseModel

SERVER = a_server(an_organization())
BARE: dict[str, Any] = dict.fromkeys(("output", "seconds", "tls", "source", "remote", "log_id"))


def same(ours: Any, model: type[BaseModel], value: Any) -> None:
    theirs = as_json(model.model_validate(value))
    assert json.dumps(ours) == json.dumps(theirs)


@pytest.mark.parametrize(
    "delivery",
    [
        a_delivery(7),
        a_delivery(8, Status.BOUNCED, cause="recipient_unknown", report=9, about_us=True),
        a_delivery(9, Status.HELD, sent_with_ssl=False, **BARE),
    ],
)
def test_a_delivery(delivery: Any) -> None:
    same(objects.delivery_object(delivery), delivery_models.DeliveryEntry, delivery)


def test_a_report() -> None:
    for report in (
        a_report(7, MessageId(1), MessageId(2), NOW + 0.123),
        a_report(8, MessageId(1), MessageId(2), recipient=None, cause=None, suppressed=False),
    ):
        same(objects.report_object(report), Report, report)


def test_a_visit() -> None:
    opened = EngagementEvent(EngagementKind.OPEN, NOW + 0.5, "", "")
    same(objects.visit_object(opened), models.Visitor, opened)
    clicked = EngagementEvent(
        EngagementKind.CLICK, NOW + 0.5, "192.0.2.1", "Mozilla", "https://a.test/", True
    )
    same(objects.visit_object(clicked), models.Follower, clicked)


def test_a_wait() -> None:
    for wait in (
        Wait(WaitCode.MANUAL, "Held by Ada.", NOW + 0.5, NOW + 99),
        Wait(WaitCode.QUEUED, "", NOW),
    ):
        same(objects.wait_object(wait), models.Wait, wait)


def test_an_email_has_what_the_api_says_of_it() -> None:
    message = a_message(SERVER.id, 5, tag="x", stream="broadcast", metadata='{"a":"b"}')
    ours = objects.email_object(MessageRecord(message))
    fields = {one.alias or name for name, one in models.Email.model_fields.items()}
    assert ours.keys() <= fields
    told = SimpleNamespace(**{name: getattr(message, name) for name in message.__slots__})
    for name in ("id", "token", "subject", "message_id", "tag", "size"):
        assert ours[name] == getattr(told, name)


def test_a_domain_without_what_was_found() -> None:
    key = DkimKey("a.test", "sel", "rsa-sha256", b"", "MIIB")
    other = replace(key, selector="old", ok=True, created_at=NOW - 9, retired_at=NOW)
    domain = a_domain(
        SERVER,
        keys=(key,),
        next_keys=(replace(key, selector="next", ok=False),),
        retired_keys=(other,),
        verified_by=VerifiedBy.RECORD,
        dkim_ok=True,
    )
    finding = Finding(Purpose.SPF, domain.name, RecordStatus.INVALID, "No", ("v=spf1",), "v=spf1 x")
    state = replace(
        DomainState.of(domain),
        checked_at=NOW,
        hour_began_at=NOW - 60,
        findings=(finding,),
        missing_since=NOW - 99,
        missing_checks=3,
        records_ok=True,
    )
    records = [
        DnsRecord(Purpose.SPF, "TXT", domain.name, "v=spf1 ~all", required=True),
        DnsRecord(Purpose.MX, "MX", domain.name, "10 mx.a.test", required=False),
    ]
    for one, its_state in (
        (domain, state),
        (replace(domain, server_id=None, verified_at=None), DomainState.of(domain)),
    ):
        theirs = as_json(domain_shown(one, its_state, records))
        for record in theirs["records"]:
            del record["found"]
        assert json.dumps(domain_object(one, its_state, records)) == json.dumps(theirs)
