"""Opens and clicks as frozen values: what a recipient did, and when (epoch seconds)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class EngagementKind(StrEnum):
    """What a recipient, or a machine on the way, did."""

    OPEN = "open"
    CLICK = "click"


@dataclass(frozen=True, slots=True)
class EngagementEvent:
    """One open or click. `url` is the target of a click; `automatic` says that it looks like a machine's."""

    kind: EngagementKind
    at: float
    address: str
    user_agent: str
    url: str = ""
    automatic: bool = False
