"""What becomes of an installation that is restored from the past: no number is given twice, and nothing that waited is
sent without a person, since all of that may have happened since. What a limit held, which goes by itself otherwise,
waits for a person, too, and jobs that send mail end where they are.
"""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.domain import lifecycle
from chalicelib.domain.jobs import Job, JobStatus, ended
from chalicelib.domain.message_verbs import VERBS
from chalicelib.domain.model import Delivery, MessageRecord, State, Status

NUMBERS_LEFT_OUT = 10_000
"""Numbers of messages, deliveries and reports that a server does not give again."""

SEQUENCE_LEFT_OUT = 100
"""Numbers of organizations, servers and the like."""

KINDS = ("message", "delivery", "report")
"""What a server has numbers of."""

_NOT_DONE = frozenset({State.WAITING, State.LEASED})
_SENDING = frozenset(one.name for one in VERBS if one.sends)


@dataclass(frozen=True, slots=True)
class Hold:
    """What held messages are told, when it happened, and when the hold ends; epoch seconds."""

    details: str
    at: float
    expires_at: int


def details_of(moment: str) -> str:
    """What a held message is told of a backup of this moment, in UTC."""
    return f"Restored from a backup of {moment} UTC"


def held(record: MessageRecord, hold: Hold, number: int) -> MessageRecord:
    """A message that was not done, with a delivery of this number."""
    delivery = Delivery(number, Status.HELD, hold.details, hold.at)
    return lifecycle.held(record, delivery, hold.expires_at)


def is_to_hold(record: MessageRecord) -> bool:
    """Whether it would be sent without a person: it waits, a worker had it, or a limit holds it for a while."""
    is_of_limit = record.state is State.HELD and record.limit_hold is not None
    return record.state in _NOT_DONE or is_of_limit


def given_up(job: Job, hold: Hold) -> Job | None:
    """An open job that sends mail, at its end: what it had yet to do may have been done since. None for others."""
    if not job.is_open or job.type not in _SENDING:
        return None
    return ended(
        job, JobStatus.FAILED, hold.at, f"{hold.details}: ask again for what is still wanted"
    )
