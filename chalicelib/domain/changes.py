"""What happens to messages, as the mail store tells of it: one value a change.

`sequence` is the change's number, decimal digits: it rises within the source that the change comes from and says
nothing beside those of other sources. `traits` are those of the message, told by a store that has them at hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from chalicelib.domain.deeds import Deed
from chalicelib.domain.engagement import EngagementKind
from chalicelib.domain.model import MessageRecord, Scope, Status
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.occurrence import Occurrence
from chalicelib.domain.operations import Operation
from chalicelib.domain.report import Report
from chalicelib.domain.traits import Traits


@dataclass(frozen=True, slots=True)
class MessageChange:
    """A message was stored (`before` is None) or has changed; by hand, where there is an operation."""

    sequence: str
    before: MessageRecord | None
    after: MessageRecord
    operation: Operation | None = None


@dataclass(frozen=True, slots=True)
class LogEntry:
    """A message was stored at this time (`status` is None), or a delivery with this status was added to its log: told
    by a store that keeps a log and does not show the message with each entry. `accepted_at` is when it was stored, and
    `scheduled_at` when it is to be sent by its schedule. `delivery` and `report` are the numbers of the delivery and of
    the report that it tells of, `detail` what was kept beside (`outcome_detail`), `cause` why it failed. `firsts`
    is what the message did first with it (`domain.firsts`)."""

    sequence: str
    server: ServerId
    message: MessageId
    scope: Scope
    status: Status | None
    at: float
    accepted_at: float | None = None
    delivery: int | None = None
    report: int | None = None
    scheduled_at: float | None = None
    detail: str | None = None
    firsts: int = 0
    cause: str | None = None
    traits: Traits | None = None


@dataclass(frozen=True, slots=True)
class HitAdded:
    """A message was opened or a link in it clicked. `hit` is the name by which the store finds it again. `is_first`: by
    a person for the first time, told by a store that does not show the message when that changes."""

    sequence: str
    server: ServerId
    kind: EngagementKind
    at: float
    message: MessageId
    hit: str
    is_first: bool = False
    traits: Traits | None = None


@dataclass(frozen=True, slots=True)
class Operated:
    """Somebody changed this message by hand, or made it: then `operation.message` is the one it was made from."""

    sequence: str
    server: ServerId
    message: MessageId
    operation: Operation
    traits: Traits | None = None


class Mark(StrEnum):
    """What a recipient does once to a message, and later changes nothing by."""

    COMPLAINED = "complained"
    UNSUBSCRIBED = "unsubscribed"


UNPROVEN = "?"


@dataclass(frozen=True, slots=True)
class Marked:
    """This first happened to a message. `detail` is what whoever noted it gave beside: the number of the report, with
    UNPROVEN behind it where nobody vouches for that, or the suppression as JSON."""

    sequence: str
    server: ServerId
    message: MessageId
    mark: Mark
    at: float
    detail: str
    traits: Traits | None = None


def is_proven(marked: Marked) -> bool:
    """Whether it is a complaint for which somebody vouches."""
    return marked.mark is Mark.COMPLAINED and not marked.detail.endswith(UNPROVEN)


@dataclass(frozen=True, slots=True)
class Reported:
    """A report on a message was stored."""

    sequence: str
    server: ServerId
    report: Report
    traits: Traits | None = None


@dataclass(frozen=True, slots=True)
class Happened:
    """Something happened that no message shows: to the list of suppressed recipients, to a domain, to a limit."""

    sequence: str
    server: ServerId
    occurrence: Occurrence


@dataclass(frozen=True, slots=True)
class Done:
    """Somebody changed something by hand that is no message."""

    sequence: str
    server: ServerId
    deed: Deed


Change = MessageChange | LogEntry | HitAdded | Operated | Marked | Reported | Happened | Done
