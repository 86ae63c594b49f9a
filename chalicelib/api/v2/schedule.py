"""Scheduled mail given another time, with API v2 (api.md 2.11)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from chalicelib.api.v2.admission import Call
from chalicelib.api.v2.email_shown import shown
from chalicelib.api.v2.emails import record_of
from chalicelib.api.v2.fields import Instant
from chalicelib.api.v2.models import Email
from chalicelib.api.v2.objects import Body
from chalicelib.api.v2.requests import invalid_at
from chalicelib.services.queue.reschedule import RescheduleMail


class Reschedule(Body):
    """When a scheduled message is sent."""

    scheduled_at: Annotated[
        Instant | None,
        Field(description="At most 365 days ahead; null, or what has passed: now."),
    ]


async def reschedule_email(call: Call, change: Reschedule) -> Email:
    """Send a scheduled message at another time."""
    known = (await record_of(call)).message
    at = change.scheduled_at
    reschedule = call.program[RescheduleMail].reschedule
    try:
        wanted = None if at is None else at.timestamp()
        record = await reschedule(known.server_id, known.id, wanted)
    except ValueError as wrong:
        raise invalid_at("/scheduled_at", "invalid", str(wrong)) from None
    return Email.model_validate(await shown(call, record))
