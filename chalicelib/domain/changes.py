"""What happens to messages, as the mail store tells of it: one value a change.

`sequence` is the change's number, decimal digits: it rises within the source that the change comes from and says
nothing beside those of other sources.
"""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.domain.engagement import EngagementKind
from chalicelib.domain.model import MessageRecord
from chalicelib.domain.numbering import ServerId


@dataclass(frozen=True, slots=True)
class MessageChange:
    """A message was stored (`before` is None) or has changed."""

    sequence: str
    before: MessageRecord | None
    after: MessageRecord


@dataclass(frozen=True, slots=True)
class HitAdded:
    """A message was opened or a link in it clicked."""

    sequence: str
    server: ServerId
    kind: EngagementKind
    at: float


Change = MessageChange | HitAdded
