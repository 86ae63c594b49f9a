"""What is counted of mail by tag, domain, provider and so on, by hour and day.

Pure, as `statistics`: what a change adds follows from the change and the traits of its message alone. A message counts
under its provider from the moment at which that is known, and under none if it failed before: what was accepted and not
tried yet stands nowhere in that dimension. Only deliveries with a cause count by cause.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from chalicelib.domain.changes import Change, HitAdded, LogEntry, Marked, MessageChange, Operated
from chalicelib.domain.changes import Reported as ReportAdded
from chalicelib.domain.durations import HOUR
from chalicelib.domain.firsts import First, firsts
from chalicelib.domain.model import Delivery, Scope, Status
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.statistics import OUTCOMES, Count, Counts, added_deliveries, by_slot, told_by
from chalicelib.domain.traits import UNKNOWN, Traits, traits_of

MOST_VALUES = 1_000
"""How many values of a dimension are counted apart on one day, or a few more; the rest count together."""
OTHERS = "[other]"
"""The group of those that come too late on a day to have a group of their own."""
HOURS_KEPT = 60  # days
_APART = "\t"


class Dimension(StrEnum):
    """By what is grouped. FAILURE is for the list of causes: direction, cause, status and provider together."""

    TAG = "tag"
    DOMAIN = "domain"
    PROVIDER = "provider"
    STREAM = "stream"
    CREDENTIAL = "credential"
    SENDER_DOMAIN = "sender_domain"
    ROUTE = "route"
    CAUSE = "cause"
    WEBHOOK = "webhook"
    FAILURE = "failure"


Group = tuple[Dimension, str]
"""A dimension and a value in it; the empty text for what has none."""
Rows = dict[tuple[tuple[Group, ...], int], dict[str, int]]
"""Counters by the groups and the hour that they add to."""
Sums = dict[tuple[Dimension, str, int], dict[str, int]]
"""Counters by dimension, value and hour."""


@dataclass(frozen=True, slots=True)
class GroupAddition:
    """What the change with this number adds to each of the groups, each of another dimension, in the hour that begins
    at `hour`."""

    sequence: str
    hour: int
    groups: tuple[Group, ...]
    counts: Counts


@dataclass(frozen=True, slots=True)
class Failure:
    """A delivery that failed for a reason."""

    direction: Scope
    cause: str
    status: Status
    provider: str | None

    @property
    def value(self) -> str:
        """As a value of its dimension."""
        return _APART.join((self.direction, self.cause, self.status, self.provider or ""))

    @classmethod
    def parse(cls, value: str) -> Failure | None:
        """The failure of a value; None for the value of those that came too late."""
        if value == OTHERS:
            return None
        direction, cause, status, provider = value.split(_APART)
        return cls(Scope(direction), cause, Status(status), provider or None)


MessageOf = tuple[ServerId, MessageId]


def unknown_messages(changes: Iterable[Change]) -> list[MessageOf]:
    """The messages whose traits the changes do not tell, where these count something."""
    found: dict[MessageOf, None] = {}
    for change in changes:
        known = isinstance(change, MessageChange) or getattr(change, "traits", None) is not None
        message = None if known else _message_of(change)
        if message is not None and told_by(change).counted:
            found[change_server(change), message] = None
    return list(found)


def group_additions(
    changes: Iterable[Change], known: Mapping[MessageOf, Traits]
) -> dict[ServerId, list[GroupAddition]]:
    """What changes add to the groups of each server, in the order of the changes. `known` has the traits of messages
    that the changes do not tell."""
    found: dict[ServerId, list[GroupAddition]] = {}
    for change in changes:
        told = told_by(change)
        if not told.counted:
            continue
        traits = _traits(change, known)
        into = found.setdefault(told.server, [])
        slots = by_slot(told.counted, told.accepted_at, HOUR)
        of_provider = _of_provider(change, slots)
        groups = _groups(traits, with_provider=of_provider is slots)
        for hour, counts in slots.items():
            into.append(GroupAddition(change.sequence, hour * HOUR, groups, counts))
        if of_provider is not slots:
            groups = ((Dimension.PROVIDER, traits.provider or ""),)
            for hour, counts in of_provider.items():
                into.append(GroupAddition(change.sequence, hour * HOUR, groups, counts))
        into += _failures(change, traits)
    return found


def together(additions: Iterable[GroupAddition]) -> Rows:
    """What additions add to the same groups in the same hour, as one row."""
    found: Rows = {}
    for one in additions:
        add_counts(found.setdefault((one.groups, one.hour), {}), one.counts)
    return found


def spread(rows: Mapping[tuple[tuple[Group, ...], int], Counts]) -> Sums:
    """The sums of rows by dimension, value and hour."""
    found: Sums = {}
    for (groups, hour), counts in rows.items():
        for dimension, value in groups:
            add_counts(found.setdefault((dimension, value, hour), {}), counts)
    return found


def change_server(change: Change) -> ServerId:
    """Whose change it is."""
    if isinstance(change, MessageChange):
        return change.after.message.server_id
    return change.server


_Slots = dict[int, dict[str, int]]


def _of_provider(change: Change, slots: _Slots) -> _Slots:
    """What counts under the provider: the same, but that a message counts as outgoing when it is placed."""
    placed_at = _placed_at(change)
    if placed_at is None and not any(Count.OUTGOING in counts for counts in slots.values()):
        return slots
    found: _Slots = {}
    for hour, counts in slots.items():
        rest = dict(counts)
        rest.pop(Count.OUTGOING, None)
        if rest:
            found[hour] = rest
    if placed_at is not None:
        found.setdefault(int(placed_at // HOUR), {})[Count.OUTGOING] = 1
    return found


def _placed_at(change: Change) -> float | None:
    """When it was first known who receives, if this change says so."""
    if isinstance(change, LogEntry):
        return change.at if change.firsts & First.PLACED.value else None
    if isinstance(change, MessageChange) and change.before is not None:
        added = added_deliveries(change.before, change.after)
        if added and firsts(change.before, change.after) & First.PLACED.value:
            return added[-1].at
    return None


def _failures(change: Change, traits: Traits) -> list[GroupAddition]:
    if isinstance(change, LogEntry):
        told = [(change.cause, change.status, change.at)]
        scope = change.scope
    elif isinstance(change, MessageChange):
        new: Iterable[Delivery] = added_deliveries(change.before, change.after)
        told = [(one.cause, one.status, one.at) for one in new]
        scope = change.after.message.scope
    else:
        return []
    found = []
    for cause, status, at in told:
        if cause is None or status not in OUTCOMES:
            continue
        failure = Failure(scope, cause, status, traits.provider)
        groups = ((Dimension.CAUSE, cause), (Dimension.FAILURE, failure.value))
        hour = int(at // HOUR) * HOUR
        found.append(GroupAddition(change.sequence, hour, groups, {OUTCOMES[status]: 1}))
    return found


def _traits(change: Change, known: Mapping[MessageOf, Traits]) -> Traits:
    if isinstance(change, MessageChange):
        return traits_of(change.after)
    told: Traits | None = getattr(change, "traits", None)
    message = _message_of(change)
    if told is not None or message is None:
        return told or UNKNOWN
    return known.get((change.server, message), UNKNOWN)


def _message_of(change: Change) -> MessageId | None:
    match change:
        case HitAdded() | Marked() | Operated() | LogEntry():
            return change.message
        case ReportAdded():
            return change.report.email
    return None


@lru_cache(4_096)
def _groups(traits: Traits, *, with_provider: bool) -> tuple[Group, ...]:
    found = (
        (Dimension.TAG, traits.tag or ""),
        (Dimension.DOMAIN, traits.domain or ""),
        (Dimension.STREAM, traits.stream or ""),
        (Dimension.CREDENTIAL, traits.credential or ""),
        (Dimension.SENDER_DOMAIN, traits.sender_domain or ""),
        (Dimension.ROUTE, traits.route or ""),
    )
    return (*found, (Dimension.PROVIDER, traits.provider or "")) if with_provider else found


def add_counts(into: dict[str, int], counts: Counts) -> None:
    """Add counters to others."""
    for name, number in counts.items():
        into[name] = into.get(name, 0) + number
