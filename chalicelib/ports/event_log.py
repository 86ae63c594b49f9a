"""What happened at each server during the last day, in the order in which consumers are told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from chalicelib.domain.numbering import ServerId
from chalicelib.domain.occurrence import EventType, Occurrence


@dataclass(frozen=True, slots=True)
class LogPage:
    """Occurrences, oldest first. `position` is where to go on: later ones follow it, also when there are none now.
    `has_more`: there are more now, or the page ended early."""

    occurrences: tuple[Occurrence, ...]
    position: str
    has_more: bool


class EventLog(Protocol):
    """A log for each server, whose entries go after a day."""

    async def append(
        self, source: str, server: ServerId, last: str, occurrences: Sequence[Occurrence]
    ) -> None:
        """Add occurrences of one source, in their order, the last of which has the number `last` of the feed (decimal,
        of any length). A number that is not above the last one taken from this source changes nothing, so that a
        replay is listed once. All are added or, when this raises, none."""

    async def page(
        self,
        server: ServerId,
        *,
        position: str | None = None,
        since: float | None = None,
        kind: EventType | None = None,
        limit: int,
    ) -> LogPage:
        """The entries after `position`, or without one from `since` (epoch seconds; None: the oldest) on, of one type
        where `kind` names it. Reading on from a position leaves none out, whoever writes meanwhile. Rejected for a
        position that this server did not give."""
