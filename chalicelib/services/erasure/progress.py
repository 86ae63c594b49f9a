"""Where an erasure is, and what it came to until now."""

from __future__ import annotations

from dataclasses import dataclass, field

COUNTED = ("emails", "contents", "events", "deliveries", "suppressions")
KEPT = ("users", "members", "routes", "endpoints", "emails")


@dataclass
class Progress:
    """The owner in turn, the phase, and where that goes on: `after` is a message, which was accepted `since`. Of those
    behind it `upto` another the ones that are `going` are written down and counted. What was cancelled goes after
    `wait_until`."""

    owners: list[int] = field(default_factory=list)
    at: int = 0
    phase: str = "messages"
    after: int = 0
    since: float = 0.0
    going: list[int] = field(default_factory=list)
    upto: int = 0
    position: str | None = None
    wait_until: float = 0.0
    emails: int = 0
    contents: int = 0
    events: int = 0
    deliveries: int = 0
    suppressions: int = 0
    named: int = 0
    kept: dict[str, int] = field(default_factory=dict)
