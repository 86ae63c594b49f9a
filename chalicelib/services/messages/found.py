"""Messages that were found, and where to go on."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.domain.model import MessageRecord


@dataclass(frozen=True, slots=True)
class FoundPage:
    """`position` is where the next page begins, None at the end. `searched_to` is when the last message that was looked
    at was received (epoch seconds), where the page ended before it was full."""

    records: tuple[MessageRecord, ...]
    position: str | None = None
    searched_to: float | None = None
