"""Why a message is not done (api.md 2.10), read from its record.

Pure. What holds a message is not stored apart: it is known by the text of the delivery that held it, which is a wire
fact. Who adds a reason to hold adds its words here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from chalicelib.domain.model import Delivery, MessageRecord, State, Status


class WaitCode(StrEnum):
    """Why it waits; more may come."""

    QUEUED = "queued"
    RETRY = "retry"
    SCHEDULED = "scheduled"
    IN_PROGRESS = "in_progress"
    THROTTLED = "throttled"
    SOURCE = "source"
    CREDENTIAL = "credential"
    SUPPRESSED = "suppressed"
    SEND_LIMIT = "send_limit"
    COMPLAINT_RATE = "complaint_rate"
    BOUNCE_RATE = "bounce_rate"
    DEVELOPMENT = "development"
    SUSPENDED = "suspended"
    QUARANTINE = "quarantine"
    ROUTE = "route"
    ENDPOINT = "endpoint"
    UNKNOWN_OUTCOME = "unknown_outcome"
    DEAD_LETTER = "dead_letter"
    MANUAL = "manual"


@dataclass(frozen=True, slots=True)
class Wait:
    """Why a message waits, in words where there are some, since when and until when (epoch seconds). None: until
    somebody does something, or at once. `others` is how many wait for the same, `ahead` how many are tried before it,
    None where nobody counted."""

    code: WaitCode
    detail: str
    since: float
    until: float | None = None
    others: int | None = None
    ahead: int | None = None


TOO_MANY_CONNECTIONS = "Too many connections to this server are open."
"""What is said of a server to which there are as many as may be at a time."""
# How the details begin where no way out could be used.
_NO_SOURCE = "No egress source of pool "
# How the details of a hold begin.
_HOLDS = {
    "Credential is configured to hold": WaitCode.CREDENTIAL,
    "Recipient (": WaitCode.SUPPRESSED,
    "Message held because send limit": WaitCode.SEND_LIMIT,
    "Message held because the complaint rate": WaitCode.COMPLAINT_RATE,
    "Message held because the bounce rate": WaitCode.BOUNCE_RATE,
    "Server is in development mode": WaitCode.DEVELOPMENT,
    "Mail server has been suspended": WaitCode.SUSPENDED,
    "Message placed into quarantine": WaitCode.QUARANTINE,
    "Message has been accepted but not sent": WaitCode.ROUTE,
    "Endpoint is disabled": WaitCode.ENDPOINT,
    "An earlier attempt was interrupted": WaitCode.UNKNOWN_OUTCOME,
    "Restored from a backup of": WaitCode.UNKNOWN_OUTCOME,
    "This message could not be processed": WaitCode.DEAD_LETTER,
}


def wait_of(record: MessageRecord) -> Wait | None:
    """Why a message waits; None when it is done."""
    last = record.deliveries[-1] if record.deliveries else None
    since = last.at if last else record.message.received_at
    if record.state is State.DONE:
        return None
    if record.state is State.LEASED:
        return Wait(WaitCode.IN_PROGRESS, "", since)
    if record.state is State.HELD:
        detail = last.details if last else ""
        until = record.limit_hold.until if record.limit_hold else record.hold_expires_at
        return Wait(_held_by(record), detail, since, until)
    if record.sends_at is not None:
        return Wait(WaitCode.SCHEDULED, "", since, record.sends_at)
    if last is not None and record.tries:
        return Wait(_tried_again_for(last), last.details, since, record.wake_at or None)
    # A person who sends it on makes it due at once.
    return Wait(WaitCode.QUEUED, "", max(since, record.wake_at))


def _tried_again_for(last: Delivery) -> WaitCode:
    if last.details.startswith(_NO_SOURCE):
        return WaitCode.SOURCE
    is_full = last.output is not None and last.output.startswith(TOO_MANY_CONNECTIONS)
    return WaitCode.THROTTLED if is_full else WaitCode.RETRY


def _held_by(record: MessageRecord) -> WaitCode:
    last = record.deliveries[-1] if record.deliveries else None
    if last is None or last.status is not Status.HELD:
        return WaitCode.MANUAL
    if last.log_id is not None:  # there was a conversation, whose last reply was lost
        return WaitCode.UNKNOWN_OUTCOME
    found = (code for words, code in _HOLDS.items() if last.details.startswith(words))
    return next(found, WaitCode.MANUAL)
