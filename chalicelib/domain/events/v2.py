"""Bodies of events in the format `v2` (api.md 2.18), at most LONGEST_BODY octets long."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from chalicelib.domain.events.domains import is_again
from chalicelib.domain.events.json_body import fitted
from chalicelib.domain.events.material import Material
from chalicelib.domain.events.objects import (
    Shown,
    delivery_object,
    email_object,
    moment,
    report_object,
    visit_object,
    wait_object,
)
from chalicelib.domain.model import State
from chalicelib.domain.occurrence import EventType
from chalicelib.domain.waits import wait_of

_SYSTEM = {"kind": "system", "id": None, "name": "posthorn"}


def v2_body(id: str, material: Material) -> bytes | None:
    """The body of a whole material; None where the format has no such event."""
    told = material.occurrence
    if is_again(told):
        return None
    email = {}
    if material.record is not None:
        email = {"email": email_object(material.record, material.status)}
    return fitted(
        {
            "id": id,
            "type": told.type.value,
            "timestamp": moment(told.at),
            "server": material.server.full_name,
            "data": email | _DATA[told.type](material),
        }
    )


def _received(material: Material) -> Shown:
    route = material.route
    return {"route": None if route is None else {"id": route.id, "name": route.name}}


def _scheduled(material: Material) -> Shown:
    record = material.record
    at = None if record is None else record.message.scheduled_at
    return {"scheduled_at": None if at is None else moment(at)}


def _delivery(material: Material) -> Shown:
    return {"delivery": None if material.delivery is None else delivery_object(material.delivery)}


def _delayed(material: Material) -> Shown:
    return _delivery(material) | {"next_attempt_at": _until(material)}


def _held(material: Material) -> Shown:
    """As the message stood when it was held."""
    record, delivery = material.record, material.delivery
    if record is None or delivery is None:
        return {}
    ends = material.detail.get("until")
    then = replace(record, state=State.HELD, deliveries=(delivery,), hold_expires_at=ends)
    wait = wait_of(then)
    return _delivery(material) | {
        "wait": None if wait is None else wait_object(wait),
        "hold_expires_at": _until(material),
    }


def _released(material: Material) -> Shown:
    return {"by": material.detail.get("by", _SYSTEM)}


def _cancelled(material: Material) -> Shown:
    return _delivery(material) | _released(material)


def _report(material: Material) -> Shown:
    return {"report": None if material.report is None else report_object(material.report)}


def _visit(material: Material) -> Shown:
    return {"visit": None if material.hit is None else visit_object(material.hit)}


def _suppression(material: Material) -> Shown:
    return {"suppression": material.detail}


def _unsubscribed(material: Material) -> Shown:
    """With no message where its link has outlived it."""
    gone = {"email": None} if material.record is None else {}
    return gone | _suppression(material)


def _domain(material: Material) -> Shown:
    return {"domain": material.detail.get("domain")}


def _limit(material: Material) -> Shown:
    return {"limit": material.detail}


def _rate(material: Material) -> Shown:
    return {"rate": material.detail}


def _webhook(material: Material) -> Shown:
    return {"webhook": material.occurrence.what}


def _until(material: Material) -> str | None:
    until: Any = material.detail.get("until")
    return None if until is None else moment(until)


_DATA: dict[EventType, Callable[[Material], Shown]] = {
    EventType.EMAIL_RECEIVED: _received,
    EventType.EMAIL_SCHEDULED: _scheduled,
    EventType.EMAIL_DELIVERED: _delivery,
    EventType.EMAIL_DELAYED: _delayed,
    EventType.EMAIL_FAILED: _delivery,
    EventType.EMAIL_HELD: _held,
    EventType.EMAIL_RELEASED: _released,
    EventType.EMAIL_CANCELLED: _cancelled,
    EventType.EMAIL_BOUNCED: _report,
    EventType.EMAIL_COMPLAINED: _report,
    EventType.EMAIL_OPENED: _visit,
    EventType.EMAIL_CLICKED: _visit,
    EventType.EMAIL_UNSUBSCRIBED: _unsubscribed,
    EventType.SUPPRESSION_ADDED: _suppression,
    EventType.SUPPRESSION_REMOVED: _suppression,
    EventType.DOMAIN_DNS_FAILED: _domain,
    EventType.DOMAIN_DNS_RECOVERED: _domain,
    EventType.SERVER_LIMIT_APPROACHING: _limit,
    EventType.SERVER_LIMIT_EXCEEDED: _limit,
    EventType.SERVER_RATE_EXCEEDED: _rate,
    EventType.SERVER_RATE_RECOVERED: _rate,
    EventType.WEBHOOK_TEST: _webhook,
}
