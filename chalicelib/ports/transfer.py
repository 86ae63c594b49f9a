"""Whole messages on their way from the stores of one installation into those of another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from chalicelib.domain.engagement import EngagementEvent
from chalicelib.domain.model import MessageRecord


@dataclass(frozen=True, slots=True)
class WholeMessage:
    """A message and all that is kept of it but its bytes: `record` with its whole log, what its links point to and
    until when (epoch seconds), and its opens and clicks, oldest first, each with its own end."""

    record: MessageRecord
    links: tuple[str, ...] = ()
    links_until: int = 0
    hits: tuple[tuple[EngagementEvent, int], ...] = ()


class MessageTransfer(Protocol):
    """Reads messages whole, and stores them as they were elsewhere. What is stored here is history: no consumer of
    changes is told of it, because it was counted where it happened."""

    async def whole(self, records: Sequence[MessageRecord]) -> list[WholeMessage]:
        """Records as a list gave them, each with all that hangs on it."""

    async def add(self, messages: Sequence[WholeMessage]) -> None:
        """Store messages that are not here, of any number. One that is here, is here whole, however this ends."""

    async def renew(self, before: MessageRecord, after: WholeMessage) -> bool:
        """Store a message over what was brought of it before, if the stored record still has attempt, state and lease
        owner of `before`; else False."""
