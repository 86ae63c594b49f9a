"""Messages, deliveries, reports and visits as the objects that API v2 shows, for bodies of events.

They stand here because what makes events knows nothing of the API; a test holds each against the API's own.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from chalicelib.domain.engagement import EngagementEvent, EngagementKind
from chalicelib.domain.inspection import SpamStatus
from chalicelib.domain.model import Delivery, MessageRecord, Scope, Status
from chalicelib.domain.report import Report
from chalicelib.domain.waits import Wait

LONGEST_TOLD = 2_000  # octets of an agent or a URL

Shown = dict[str, Any]


def email_object(record: MessageRecord, status: Status | None = None) -> Shown:
    """A message as every event shows it; with the status that the event gave it, where that is known."""
    message = record.message
    return {
        "id": message.id,
        "token": message.token,
        "direction": message.scope.value,
        "status": (status or record.status).value,
        "from": message.mail_from or None,
        "to": message.rcpt_to,
        "subject": message.subject or None,
        "message_id": message.message_id or None,
        "stream": message.stream_name if message.scope is Scope.OUTGOING else None,
        "tag": message.tag,
        "metadata": json.loads(message.metadata) if message.metadata else {},
        "size": message.size,
        "spam_status": spam_status_of(record).value,
        "received_at": moment(message.received_at),
    }


def spam_status_of(record: MessageRecord) -> SpamStatus:
    """What inspection said of a message."""
    return record.inspection.spam.status if record.inspection else SpamStatus.NOT_CHECKED


def delivery_object(one: Delivery) -> Shown:
    """A `DeliveryEntry`."""
    return {
        "id": one.id,
        "status": one.status.value,
        "details": one.details,
        "output": one.output,
        "at": moment(one.at),
        "seconds": one.seconds,
        "sent_with_tls": one.sent_with_ssl,
        "tls": one.tls,
        "source": one.source,
        "remote": one.remote,
        "log_id": one.log_id,
        "cause": one.cause,
        "report": one.report,
    }


def report_object(report: Report) -> Shown:
    """A `Report`."""
    return asdict(report) | {
        "kind": report.kind.value,
        "at": moment(report.at),
        "matched_by": report.matched_by.value,
    }


def visit_object(hit: EngagementEvent) -> Shown:
    """A `Visitor`, or of a click a `Follower`. Null is what nobody knows."""
    found: Shown = {
        "at": moment(hit.at),
        "address": hit.address or None,
        "user_agent": cut(hit.user_agent, LONGEST_TOLD) or None,
        "automatic": hit.automatic,
    }
    if hit.kind is EngagementKind.CLICK:
        found["url"] = cut(hit.url, LONGEST_TOLD)
    return found


def wait_object(wait: Wait) -> Shown:
    """A `Wait`. Neither others that wait so nor those before it are counted."""
    return {
        "code": wait.code.value,
        "detail": wait.detail,
        "since": moment(wait.since),
        "until": None if wait.until is None else moment(wait.until),
        "others": None,
        "ahead": None,
    }


def moment(epoch: float) -> str:
    """RFC 3339, UTC, milliseconds."""
    text = datetime.fromtimestamp(epoch, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def cut(text: str, octets: int) -> str:
    """The text, or as many of its characters as have so many octets in UTF-8."""
    encoded = text.encode("utf-8", "replace")
    return text if len(encoded) <= octets else encoded[:octets].decode("utf-8", "ignore")
