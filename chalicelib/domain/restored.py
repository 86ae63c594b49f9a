"""What becomes of an installation that is restored from the past: no number is given twice, and nothing that waited is
sent without a person, since all of that may have happened since.
"""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.domain import lifecycle
from chalicelib.domain.model import Delivery, MessageRecord, State, Status

NUMBERS_LEFT_OUT = 10_000
"""Numbers of messages, deliveries and reports that a server does not give again."""

SEQUENCE_LEFT_OUT = 100
"""Numbers of organizations, servers and the like."""

NOT_DONE = frozenset({State.WAITING, State.LEASED})


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
