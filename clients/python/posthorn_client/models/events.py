"""What operations on `/api/v2/events` send and answer.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from typing import Any, TypedDict

__all__ = ["EventBody", "EventPage"]


class EventBody(TypedDict):
    """What happened; `data` has what its type tells."""

    id: str
    """A UUID, the same wherever the event is told."""
    type: str
    """More may come."""
    timestamp: str
    """When it happened."""
    server: str
    data: dict[str, Any]
    """`email` and what goes with it, by the type."""


class EventPage(TypedDict):
    """One page, oldest first."""

    data: list[EventBody]
    has_more: bool
    """There are later ones already."""
    next_cursor: str
    """The `cursor` that later events follow, also when there are none."""
