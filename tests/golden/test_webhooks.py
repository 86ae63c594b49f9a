"""Bodies in the format `postal` are those that Postal sent: keys in their order, kinds, null and the empty text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib.domain.dns.records import DnsRecord
from chalicelib.domain.engagement import EngagementEvent, EngagementKind
from chalicelib.domain.events.domains import domain_occurrences
from chalicelib.domain.events.material import Material
from chalicelib.domain.events.postal import postal_body
from chalicelib.domain.model import Delivery, MessageRecord, Scope, Status
from chalicelib.domain.numbering import MessageId
from chalicelib.domain.occurrence import EventType, Occurrence
from chalicelib.domain.tenancy.dkim_key import DkimKey
from chalicelib.domain.tenancy.domain_states import DnsEvent, DomainState, ToldEvent
from chalicelib.domain.tenancy.domains import Domain
from chalicelib.domain.tenancy.findings import Finding, Purpose, RecordStatus
from chalicelib.domain.tenancy.servers import Server
from tests.fakes import a_domain, a_message, a_server, an_organization
from tests.golden.recordings import read

TYPES = {
    "MessageSent": EventType.EMAIL_DELIVERED,
    "MessageDelayed": EventType.EMAIL_DELAYED,
    "MessageDeliveryFailed": EventType.EMAIL_FAILED,
    "MessageHeld": EventType.EMAIL_HELD,
    "MessageBounced": EventType.EMAIL_BOUNCED,
    "MessageLoaded": EventType.EMAIL_OPENED,
    "MessageLinkClicked": EventType.EMAIL_CLICKED,
    "DomainDNSError": EventType.DOMAIN_DNS_FAILED,
    "SendLimitApproaching": EventType.SERVER_LIMIT_APPROACHING,
    "SendLimitExceeded": EventType.SERVER_LIMIT_EXCEEDED,
}
HOOKS = {name: hooks for name, hooks in read("webhooks.json").items() if name in TYPES}
BODIES = [hook["body"] for hooks in HOOKS.values() for hook in hooks]


def server_of(payload: dict[str, Any]) -> Server:
    told = payload.get("server", {})
    return a_server(
        an_organization(),
        organization_permalink=told.get("organization", "acme"),
        permalink=told.get("permalink", "golden"),
        name=told.get("name", "Golden"),
        uuid=told.get("uuid", "u"),
    )


def record_of(told: dict[str, Any] | None) -> MessageRecord | None:
    """A message that Postal shows so."""
    if told is None:
        return None
    message = a_message(
        a_server(an_organization()).id,
        told["id"],
        token=told["token"],
        scope=Scope(told["direction"]),
        message_id=told["message_id"],
        rcpt_to=told["to"],
        mail_from=told["from"] or "",
        subject=told["subject"],
        received_at=told["timestamp"],
        tag=told["tag"],
    )
    assert told["spam_status"] == "NotChecked"
    return MessageRecord(message)


def delivery_of(payload: dict[str, Any]) -> Delivery | None:
    if "details" not in payload:
        return None
    return Delivery(
        id=1,
        status=Status(payload["status"]),
        details=payload["details"],
        at=payload["timestamp"],
        output=payload["output"] or None,
        sent_with_ssl=bool(payload["sent_with_ssl"]),
        seconds=payload["time"],
    )


def hit_of(payload: dict[str, Any]) -> EngagementEvent | None:
    if "ip_address" not in payload:
        return None
    kind = EngagementKind.CLICK if "url" in payload else EngagementKind.OPEN
    url, agent = payload.get("url", ""), payload["user_agent"]
    return EngagementEvent(kind, 1.0, payload["ip_address"], agent, url)


def domain_detail(payload: dict[str, Any], server: Server) -> str:
    """What a check tells that found the same."""
    at = int(payload["dns_checked_at"])
    selector = payload["dkim_error"].split()[-1].partition(".")[0]
    domain = payload["domain"]
    key = DkimKey(domain, selector, "rsa-sha256", b"", "MIIB")
    found: Domain = a_domain(server, name=domain, uuid=payload["uuid"], keys=(key,))
    state = DomainState(
        domain,
        server.organization_id,
        server.id,
        found.uuid,
        checked_at=at,
        findings=tuple(findings(payload, f"{selector}._domainkey.{domain}")),
        events=(ToldEvent(DnsEvent.FAILED, at),),
    )
    record = DnsRecord(Purpose.SPF, "TXT", domain, "v=spf1 ~all", required=True)
    (told,) = domain_occurrences(found, state, [record])
    assert told.detail is not None
    return told.detail


def findings(payload: dict[str, Any], key_name: str) -> Iterator[Finding]:
    names = {
        "spf": Purpose.SPF,
        "dkim": Purpose.DKIM_RSA,
        "mx": Purpose.MX,
        "return_path": Purpose.RETURN_PATH,
    }
    for name, purpose in names.items():
        place = key_name if name == "dkim" else payload["domain"]
        status = RecordStatus(payload[f"{name}_status"])
        yield Finding(purpose, place, status, payload[f"{name}_error"])


@pytest.mark.parametrize("body", BODIES, ids=lambda body: json.loads(body)["event"])
def test_a_body_is_the_one_that_postal_sent(body: str) -> None:
    recorded = json.loads(body)
    payload = recorded["payload"]
    kind = TYPES[recorded["event"]]
    server, detail = server_of(payload), None
    if kind is EventType.DOMAIN_DNS_FAILED:
        detail = domain_detail(payload, server)
    if "volume" in payload:
        limit = {"owner": "server", "period": "hour"}
        detail = json.dumps({**limit, "limit": payload["limit"], "used": payload["volume"]})
    record = record_of(payload.get("message") or payload.get("original_message"))
    email = None if record is None else record.message.id
    material = Material(
        Occurrence(kind, server.id, 1.0, "1", email, detail),
        server,
        record,
        delivery_of(payload),
        bounce=record_of(payload.get("bounce")),
        hit=hit_of(payload),
    )
    made = postal_body(recorded["uuid"], material, recorded["timestamp"])
    assert made is not None
    ours = json.loads(made)
    for name in (
        "dns_checked_at",
        "token",
    ):  # ours is in whole seconds; links have names of our own
        if name in payload:
            assert type(ours["payload"][name]) is type(payload[name])
            assert len(str(ours["payload"].pop(name))) in (len(str(payload.pop(name))), 12)
    assert json.dumps(ours) == json.dumps(recorded)


def test_all_ten_events_were_recorded() -> None:
    assert HOOKS.keys() == TYPES.keys()


def test_of_limits_postal_knows_the_server_s_hour_alone() -> None:
    server = a_server(an_organization())
    for owner, period in (("organization", "hour"), ("server", "day"), ("credential", "month")):
        detail = json.dumps({"owner": owner, "period": period, "limit": 9, "used": 9})
        told = Occurrence(EventType.SERVER_LIMIT_EXCEEDED, server.id, 1.0, "x", detail=detail)
        assert postal_body("u", Material(told, server), 1.0) is None


@pytest.mark.parametrize("kind", sorted(set(EventType) - set(TYPES.values())))
def test_postal_has_no_other_events(kind: EventType) -> None:
    server = a_server(an_organization())
    told = Occurrence(kind, server.id, 1.0, "1", MessageId(1), "{}")
    assert postal_body("u", Material(told, server, record_of(None)), 1.0) is None
