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


@dataclass(frozen=True, slots=True)
class Numbered:
    """An occurrence with the number of the change that told of it (decimal, of any length)."""

    sequence: str
    occurrence: Occurrence


class EventLog(Protocol):
    """A log for each server, whose entries go after a day."""

    async def append(self, source: str, server: ServerId, numbered: Sequence[Numbered]) -> None:
        """Add occurrences of one source, in the order of their numbers. Those not above the last number that this
        server's log has taken from the source change nothing, so that a replay is listed once wherever it begins and
        ends. All the others are added or, when this raises, none. Rejected for a number that is none."""

    async def page(
        self,
        server: ServerId,
        *,
        position: str | None = None,
        since: float | None = None,
        kind: EventType | None = None,
        limit: int,
    ) -> LogPage:
        """The entries after `position`, or without one from the oldest on: those of `since` (epoch seconds) or later
        alone, and of the type `kind`, where these are given. Reading on from a position leaves none out, whoever writes
        meanwhile. Rejected for a position that this server did not give."""
