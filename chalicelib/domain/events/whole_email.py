"""A message as API v2 lists it, with all its fields in their order; a test holds it against the API's own."""

from __future__ import annotations

import json

from chalicelib.domain.events.objects import Shown, moment, spam_status_of, wait_object
from chalicelib.domain.model import Delivery, Message, MessageRecord, Scope, State
from chalicelib.domain.tenancy.endpoints import Endpoint
from chalicelib.domain.tenancy.routes import Route
from chalicelib.domain.waits import wait_of

EMAIL_FIELDS: tuple[str, ...] = (
    *("id", "token", "direction", "status", "from", "to", "subject", "message_id", "tag"),
    *("stream", "metadata", "scheduled_at", "size", "bounce", "held", "hold_expires_at"),
    *("received_at", "received_with_tls", "tries", "wait", "pool", "domain", "credential"),
    *("last_delivery", "last_attempt_at", "next_attempt_at", "opened_at", "clicked_at", "request"),
    *("resend_of", "resent_as", "spam_status", "route", "endpoint", "bounce_of"),
)


def whole_email(record: MessageRecord, route: Route | None, endpoint: Endpoint | None) -> Shown:
    """An `Email`, with the route that took it and the endpoint that it is for where these are there."""
    told = _of_message(record.message) | _of_record(record)
    if route is not None:
        told["route"] = {"id": route.id, "name": route.name}
    if endpoint is not None:
        kind = endpoint.type.value
        told["endpoint"] = {"id": endpoint.id, "name": endpoint.name, "type": kind}
    return {name: told.get(name) for name in EMAIL_FIELDS}


def _of_message(message: Message) -> Shown:
    """What it came with."""
    return {
        "id": message.id,
        "token": message.token,
        "direction": message.scope.value,
        "from": message.mail_from,
        "to": message.rcpt_to,
        "subject": message.subject,
        "message_id": message.message_id,
        "tag": message.tag,
        "stream": message.stream_name if message.scope is Scope.OUTGOING else None,
        "metadata": json.loads(message.metadata) if message.metadata else {},
        "size": message.size,
        "bounce": message.bounce,
        "received_at": moment(message.received_at),
        "received_with_tls": message.received_with_ssl,
        "pool": message.origin.pool,
        "domain": message.origin.domain,
        "credential": message.origin.credential_id,
        "request": message.request or message.id,
        "resend_of": message.resend_of,
    }


def _of_record(record: MessageRecord) -> Shown:
    """Where it stands."""
    wait = wait_of(record)
    is_planned = record.state is State.WAITING and record.wake_at > 0
    return {
        "status": record.status.value,
        "scheduled_at": _moment(record.scheduled_at),
        "held": record.held,
        "hold_expires_at": _moment(record.hold_expires_at),
        "tries": record.tries,
        "wait": None if wait is None else wait_object(wait),
        "last_delivery": _delivery(record.deliveries[-1]) if record.deliveries else None,
        "last_attempt_at": _moment(record.last_attempt_at),
        "next_attempt_at": _moment(record.wake_at) if is_planned else None,
        "opened_at": _moment(record.opened_at),
        "clicked_at": _moment(record.clicked_at),
        "resent_as": list(record.resent_as),
        "spam_status": spam_status_of(record).value,
        "bounce_of": record.bounce_of or record.message.reports_on,
    }


def _delivery(last: Delivery) -> Shown:
    return {
        "status": last.status.value,
        "details": last.details,
        "output": last.output,
        "at": moment(last.at),
        "seconds": last.seconds,
        "cause": last.cause,
    }


def _moment(at: float | None) -> str | None:
    return None if at is None else moment(at)
