"""What operations on `/api/v2/queue` send and answer.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from typing import TypedDict

from posthorn_client.models.emails_parts import WaitCode

__all__ = ["Queue", "QueuedDestination", "QueuedProvider", "QueuedReason"]


class Queue(TypedDict):
    """The fullest groups, most first, in one answer. A message counts once it was tried, which takes
    seconds; of more than 10,000 in a direction the newest count.
    """

    has_more: bool
    next_cursor: str | None
    """The `cursor` of the next page."""
    data: list[QueuedDestination | QueuedReason | QueuedProvider]


class QueuedDestination(TypedDict):
    """What waits for one domain, or one host of endpoints."""

    waiting: int
    in_progress: int
    """Being tried now."""
    oldest_at: str | None
    """When the oldest was accepted."""
    next_attempt_at: str | None
    """Null when none is planned."""
    last_reply: str | None
    """What was answered there last."""
    domain: str


class QueuedProvider(TypedDict):
    """What waits for one provider."""

    waiting: int
    in_progress: int
    """Being tried now."""
    oldest_at: str | None
    """When the oldest was accepted."""
    next_attempt_at: str | None
    """Null when none is planned."""
    last_reply: str | None
    """What was answered there last."""
    provider: str


class QueuedReason(TypedDict):
    """What waits for one reason."""

    waiting: int
    in_progress: int
    """Being tried now."""
    oldest_at: str | None
    """When the oldest was accepted."""
    next_attempt_at: str | None
    """Null when none is planned."""
    last_reply: str | None
    """What was answered there last."""
    reason: WaitCode
