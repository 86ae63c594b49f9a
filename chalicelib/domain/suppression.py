"""Recipients to whom nothing is sent, why, and for how long."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

from chalicelib.domain.numbering import MessageId, OrganizationId, ServerId

NEVER = 253_402_300_799
"""The end of an entry that has none: the last second of the year 9999."""


class Reason(StrEnum):
    """Why a recipient is listed, in the words of api.md 2.13."""

    HARD_FAILS = "hard_fails"
    SOFT_FAILS = "soft_fails"
    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    UNSUBSCRIBE = "unsubscribe"
    MANUAL = "manual"

    @property
    def text(self) -> str:
        """The words that entries are stored with and messages are held by."""
        return _TEXTS[self]

    @staticmethod
    def of(text: str) -> Reason:
        """The reason that an entry was stored with; texts of an installation that was brought here are by hand."""
        return _REASONS.get(text, Reason.MANUAL)


_TEXTS = {
    Reason.HARD_FAILS: "too many hard fails",
    Reason.SOFT_FAILS: "too many soft fails",
    Reason.BOUNCE: "bounced",
    Reason.COMPLAINT: "complained",
    Reason.UNSUBSCRIBE: "unsubscribed",
    Reason.MANUAL: "added by hand",
}
_REASONS = {text: reason for reason, text in _TEXTS.items()}
UNLISTED_BY_DELIVERY = frozenset({_TEXTS[Reason.HARD_FAILS], _TEXTS[Reason.SOFT_FAILS]})
"""Reasons that are over once the recipient takes a message (contract section 4.20)."""
_STANDING = [_TEXTS[one] for one in (Reason.COMPLAINT, Reason.UNSUBSCRIBE, Reason.MANUAL)]


EVERYBODY = "*"
"""The local part of an entry that means every address of its domain."""
SYSTEM = "system"


class SuppressionScope(StrEnum):
    """What an entry acts on: the mail of all servers of an organization, of one server, or of one of its streams."""

    ORGANIZATION = "organization"
    SERVER = "server"
    STREAM = "stream"


@dataclass(frozen=True, slots=True)
class Suppression:
    """A recipient that is not sent to until `keep_until` (contract section 1.13), or with `*@domain` all of a domain.
    `reason` is the text of a Reason; `email` and `report` are the message and the report that say so. `stream` is
    there for the scope of that name alone."""

    address: str
    reason: str
    at: float
    keep_until: int
    email: MessageId | None = None
    report: int | None = None
    scope: SuppressionScope = SuppressionScope.SERVER
    stream: str | None = None
    note: str | None = None
    created_by: str = SYSTEM

    def renewed(self, by: Suppression) -> Suppression:
        """What becomes of it when the system lists its recipient again: it stays as old as it is, and the later end
        wins. What a person said is left as it is, unless the new reason stands in front of it: a complaint before a
        wish to get no more, that before what was entered by hand."""
        stays = self.reason in _STANDING and _rank(by.reason) >= _rank(self.reason)
        return self.replaced(self if stays else by, by.keep_until)

    def replaced(self, by: Suppression, keep_until: int | None = None) -> Suppression:
        """What becomes of it when a person lists its recipient again: reason, note and evidence are the new ones."""
        until = max(self.keep_until, by.keep_until if keep_until is None else keep_until)
        return replace(
            self, reason=by.reason, note=by.note, email=by.email, report=by.report, keep_until=until
        )


class Asked(NamedTuple):
    """What lists are asked about a message: its server, whose that is, its recipient and its stream."""

    server: ServerId
    organization: OrganizationId
    address: str
    stream: str


class Name(NamedTuple):
    """By what an entry is known on a list: its address and, in the scope of that name, its stream."""

    address: str
    stream: str | None = None


class Change(NamedTuple):
    """An entry to have on a list in place of what was read there, None for nothing."""

    entry: Suppression
    before: Suppression | None

    @property
    def name(self) -> Name:
        """By what the entry is known."""
        return Name(self.entry.address, self.entry.stream)


@dataclass(frozen=True, slots=True)
class SuppressionFilter:
    """Which entries of a list; None leaves a choice open. `since` is inclusive, `until` exclusive."""

    address: str | None = None
    reason: Reason | None = None
    scope: SuppressionScope | None = None
    stream: str | None = None
    since: float | None = None
    until: float | None = None

    def passes(self, entry: Suppression) -> bool:
        """Whether an entry is one of these."""
        return (
            (self.address is None or entry.address.lower() == self.address.lower())
            and self.reason in (None, Reason.of(entry.reason))
            and self.scope in (None, entry.scope)
            and self.stream in (None, entry.stream)
            and (self.since is None or entry.at >= self.since)
            and (self.until is None or entry.at < self.until)
        )


def list_of(organization: OrganizationId) -> ServerId:
    """The number under which stores keep the list of an organization: no server has it."""
    return ServerId(-organization)


def acting_on(asked: Asked) -> Iterator[tuple[ServerId, Name]]:
    """Where there may be an entry that acts on a message, that of the first that is there before all others."""
    _, at, domain = asked.address.rpartition("@")
    names = (asked.address, f"{EVERYBODY}@{domain}") if at else (asked.address,)
    for owner, stream in (
        (list_of(asked.organization), None),
        (asked.server, None),
        (asked.server, asked.stream),
    ):
        for name in names:
            yield owner, Name(name, stream)


def scope_of(owner: ServerId, stream: str | None) -> SuppressionScope:
    """The scope of the entries of a list, by the number that it is kept under."""
    if owner < 0:
        return SuppressionScope.ORGANIZATION
    return SuppressionScope.SERVER if stream is None else SuppressionScope.STREAM


def _rank(reason: str) -> int:
    return _STANDING.index(reason) if reason in _STANDING else len(_STANDING)
