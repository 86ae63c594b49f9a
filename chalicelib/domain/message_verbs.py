"""What can be done with a message by hand (api.md 2.11), and which state allows it. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from chalicelib.domain.model import MessageRecord, Scope, State, Status
from chalicelib.domain.operations import RELEASE, RESEND
from chalicelib.domain.tenancy.rate_limits import Rate

MOST_RESENT = 100
MOST_JOBS = 4
Fault = Callable[[MessageRecord], str | None]


def not_held(record: MessageRecord) -> str | None:
    """What keeps it from being released by an operator."""
    return None if record.state is State.HELD else "is not held"


def not_to_release(record: MessageRecord) -> str | None:
    """What keeps it from being released by others."""
    return not_held(record) or _held_by_rate(record)


def _held_by_rate(record: MessageRecord) -> str | None:
    """A rate that is too high holds mail for the sake of the installation."""
    hold = record.limit_hold if record.state is State.HELD else None
    if hold is None or hold.period not in set(Rate):
        return None
    return f"is held because of the {Rate(hold.period).words}: an operator can release it"


def not_waiting(record: MessageRecord) -> str | None:
    """What keeps it from being held."""
    if record.state is State.HELD:
        return "is held already"
    return "does not wait" if record.state is State.DONE else None


def not_open(record: MessageRecord) -> str | None:
    """What keeps it from being cancelled."""
    return "is neither held nor waiting" if record.state is State.DONE else None


def not_to_bounce(record: MessageRecord) -> str | None:
    """What keeps it from being given up."""
    return "is scheduled: cancel it" if record.is_scheduled else not_open(record)


def not_to_try_again(record: MessageRecord) -> str | None:
    """What keeps it from being tried again by others than operators."""
    return not_to_retry(record) or _held_by_rate(record)


def not_to_retry(record: MessageRecord) -> str | None:
    """What keeps it from being tried again by an operator."""
    if record.is_scheduled:
        return "is scheduled: give it another time"
    if record.state is not State.DONE or record.status in (Status.HARD_FAIL, Status.BOUNCED):
        return None
    if record.status is Status.PROCESSED:
        return "was processed already"
    return "was sent already" if record.status is Status.SENT else "was cancelled"


def not_incoming(record: MessageRecord) -> str | None:
    """What keeps it from being replayed."""
    return None if record.message.scope is Scope.INCOMING else "was not received here"


def not_to_resend(record: MessageRecord) -> str | None:
    """What keeps it from being sent as a new message, but that it is being sent."""
    if record.message.scope is not Scope.OUTGOING:
        return "was not sent from here"
    if record.state is State.HELD:
        return "is held"
    if record.is_scheduled:
        return "is scheduled"
    if record.state is not State.DONE:
        return "still waits"
    if len(record.resent_as) >= MOST_RESENT:
        return f"was resent {MOST_RESENT} times, no more are allowed"
    return None


@dataclass(frozen=True, slots=True)
class MessageVerb:
    """A verb: what keeps a record from it, whether mail is sent by it, and the parameters that it has."""

    name: str
    fault: Fault
    sends: bool = False
    fields: frozenset[str] = frozenset()


VERBS = (
    MessageVerb("hold", not_waiting),
    MessageVerb(RELEASE, not_to_release, True, frozenset({"allow", "note"})),
    MessageVerb("cancel", not_open),
    MessageVerb("retry", not_to_try_again, True),
    MessageVerb("bounce", not_to_bounce),
    MessageVerb("replay", not_incoming, True, frozenset({"endpoint"})),
    MessageVerb(RESEND, not_to_resend, True),
)


def is_done_by(record: MessageRecord, job: str) -> bool:
    """Whether a job has done what it does with this message."""
    return job in record.jobs.split()


def done_by(record: MessageRecord, job: str) -> MessageRecord:
    """The record with the job among the last ones; of no job it stays as it is."""
    if not job:
        return record
    return replace(record, jobs=" ".join((*record.jobs.split(), job)[-MOST_JOBS:]))
