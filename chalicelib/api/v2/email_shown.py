"""What an `Email` of API v2 is made from: the fields of a message, of where it stands and of how it came."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields
from types import SimpleNamespace
from typing import Any

from chalicelib.api.v2 import incoming_models as models
from chalicelib.api.v2.acceptance import accepted_of
from chalicelib.api.v2.admission import Call
from chalicelib.domain.inspection import Inspection, SpamStatus
from chalicelib.domain.model import Message, MessageRecord, Scope, State
from chalicelib.domain.report import Report
from chalicelib.domain.waits import wait_of
from chalicelib.services.tenancy.directory import Directory


async def shown(call: Call, record: MessageRecord, **more: object) -> SimpleNamespace:
    """The fields of every message. Route and endpoint are None where they are gone."""
    way, server = record.way, record.message.server_id
    directory = call.program[Directory]
    route = await directory.route(server, way.route_id) if way.route_id else None
    endpoint = await directory.endpoint(server, way.endpoint_id) if way.endpoint_id else None
    return fields_of(record, route=route, endpoint=endpoint, **more)


def fields_of(record: MessageRecord, **more: object) -> SimpleNamespace:
    """The fields that its record tells."""
    message, origin = record.message, record.message.origin
    known = {
        field.name: getattr(one, field.name)
        for one in (message, record)
        for field in fields(one)
        if field.name not in {"bounce_of", "request"}
    }
    is_waiting = record.state is State.WAITING and record.wake_at > 0
    known |= options_of(record)
    known["wait"] = wait_of(record)
    known |= {"pool": origin.pool, "domain": origin.domain, "credential": origin.credential_id}
    return SimpleNamespace(
        **(known | more),
        next_attempt_at=record.wake_at if is_waiting else None,
        request=message.request or message.id,
        last_delivery=record.deliveries[-1] if record.deliveries else None,
        resend_of=message.resend_of,
        bounce_of=record.bounce_of or message.reports_on,
        spam_status=record.inspection.spam.status if record.inspection else SpamStatus.NOT_CHECKED,
    )


def options_of(record: MessageRecord) -> dict[str, Any]:
    """How it is sent, as its client said."""
    message = record.message
    return {
        "stream": message.stream_name if message.scope is Scope.OUTGOING else None,
        "metadata": json.loads(message.metadata) if message.metadata else {},
        "scheduled_at": record.scheduled_at,
    }


def found_in(record: MessageRecord, reports: Sequence[Report]) -> dict[str, Any]:
    """What is shown of one message alone."""
    inspection = record.inspection
    return {
        "spam": _spam(inspection),
        "threat": {"found": False, "details": None} if inspection is None else inspection.threat,
        "authentication": _authentication(inspection),
        "envelope": _envelope(record.message),
        "reports": reports,
        "accepted": accepted_of(record),
    }


def _spam(inspection: Inspection | None) -> models.Spam:
    if inspection is None:
        status = SpamStatus.NOT_CHECKED
        return models.Spam(status=status, score=0.0, threshold=None, scanner=None, checks=[])
    return models.Spam.model_validate(inspection.spam)


def _authentication(inspection: Inspection | None) -> dict[str, Any] | None:
    if inspection is None:
        return None
    found = inspection.authentication
    return {
        "spf": found.spf,
        "dkim": found.dkim,
        "dmarc": found.dmarc,
        "arc": {"result": found.arc},
    }


def _envelope(message: Message) -> models.EnvelopeShown | None:
    if message.scope is not Scope.INCOMING or message.arrival is None:
        return None
    arrival = message.arrival
    _, plus, tag = message.rcpt_to.rpartition("@")[0].partition("+")
    return models.EnvelopeShown(
        helo=arrival.helo,
        client=arrival.client,
        client_name=arrival.client_name,
        tag=tag if plus else None,
    )
