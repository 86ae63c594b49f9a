"""What a look at a host by HTTPS found: what is wrong with it, and when its certificate ends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from chalicelib.domain.durations import DAY

SOON_DAYS = 14


@dataclass(frozen=True, slots=True)
class HttpsSeen:
    """`fault` is what is wrong, in sentences, empty where nothing is. `ends_at` is when the certificate ends that was
    shown and taken (epoch seconds). Where nobody was reached nothing is known of a certificate."""

    fault: str = ""
    ends_at: int | None = None
    is_reached: bool = True


def ends_soon(ends_at: int | None, now: float) -> str:
    """A sentence where a certificate ends within SOON_DAYS, or has ended since it was looked at; else empty."""
    if ends_at is None or ends_at - now >= SOON_DAYS * DAY:
        return ""
    day, left = f"{datetime.fromtimestamp(ends_at, UTC):%Y-%m-%d}", (ends_at - now) / DAY
    return (
        f"Its certificate ends on {day}, in {left:.0f} days."
        if left > 0
        else (f"Its certificate ended on {day}.")
    )
