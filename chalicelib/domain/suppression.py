"""Recipients to whom nothing is sent, why, and for how long."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from chalicelib.domain.numbering import MessageId

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


@dataclass(frozen=True, slots=True)
class Suppression:
    """A recipient that a server does not send to until `keep_until` (contract section 1.13). `reason` is the text of a
    Reason; `email` and `report` are the message and the report that say so."""

    address: str
    reason: str
    at: float
    keep_until: int
    email: MessageId | None = None
    report: int | None = None

    def renewed(self, by: Suppression) -> Suppression:
        """What becomes of it when the system lists its recipient again: it stays as old as it is, and the later end
        wins. What a person said is left as it is, unless the new reason stands in front of it: a complaint before a
        wish to get no more, that before what was entered by hand."""
        stays = self.reason in _STANDING and _rank(by.reason) >= _rank(self.reason)
        kept = self if stays else by
        return replace(kept, at=self.at, keep_until=max(self.keep_until, by.keep_until))


def _rank(reason: str) -> int:
    return _STANDING.index(reason) if reason in _STANDING else len(_STANDING)
