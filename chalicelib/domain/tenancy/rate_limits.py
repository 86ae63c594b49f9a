"""Which part of a server's mail may be complained about or come back before its new mail is held, and what holds it.

Pure. Rates are in percent, with at most two decimals; a limit of 100 holds nothing, since no rate is above it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from chalicelib.domain.durations import HOUR

USUAL_COUNT = 100
"""Of fewer messages no rate is taken, where nobody says another number."""


class Rate(StrEnum):
    """Wire words: of events, of `wait.code`, and in the names of fields."""

    COMPLAINT = "complaint_rate"
    BOUNCE = "bounce_rate"

    @property
    def words(self) -> str:
        """`complaint rate`."""
        return self.value.replace("_", " ")


@dataclass(frozen=True, slots=True)
class RateLimits:
    """The limits of one owner; None: as the wider owner has it. `count`: the smallest number of messages that a rate is
    taken of."""

    complaint: float | None = None
    bounce: float | None = None
    count: int | None = None

    def of(self, rate: Rate) -> float | None:
        """The limit of a rate in percent; None for none."""
        return self.complaint if rate is Rate.COMPLAINT else self.bounce

    def within(self, wider: RateLimits) -> RateLimits:
        """These, and what they do not say as the wider ones say it."""
        return RateLimits(
            wider.complaint if self.complaint is None else self.complaint,
            wider.bounce if self.bounce is None else self.bounce,
            wider.count if self.count is None else self.count,
        )

    @property
    def is_on(self) -> bool:
        """Whether there is any limit."""
        return self.complaint is not None or self.bounce is not None


NO_RATE_LIMITS = RateLimits()


@dataclass(frozen=True, slots=True)
class StreamRates:
    """The limits of a stream, beside which those of its server hold."""

    stream: str
    limits: RateLimits = NO_RATE_LIMITS


@dataclass(frozen=True, slots=True)
class RateHold:
    """A rate above its limit, and so new mail of the server, or of one stream, is held. `counted` messages of `base` it
    was when it began; `since` and `until`, when it is thought to end, are epoch seconds."""

    rate: Rate
    stream: str
    limit: float
    counted: int
    base: int
    since: int
    until: int

    @property
    def is_of(self) -> tuple[Rate, str]:
        """What tells it from others of its server."""
        return self.rate, self.stream

    @property
    def percent(self) -> float:
        """The rate when it began, with two decimals."""
        return percent_of(self.counted, self.base)


def lasting(holds: Sequence[RateHold], now: float) -> tuple[RateHold, ...]:
    """Those that still hold mail. What found them looks again with the next message, or while mail is held: where there
    is neither, what is over by its moment stands in the store, and holds nothing."""
    return tuple(one for one in holds if now < one.until + HOUR)


def percent_of(counted: int, base: int) -> float:
    """A part in percent with two decimals; nought of nothing."""
    return round(min(1.0, counted / base) * 100, 2) if base else 0.0


def hundredths(percent: float) -> int:
    """A percentage as the whole number of its hundredths, so that what is exactly met is not missed by a rounding."""
    return round(percent * 100)


def is_percentage(percent: float) -> bool:
    """Whether it is 0.01 to 100 with at most two decimals."""
    return 0.01 <= percent <= 100 and abs(percent * 100 - round(percent * 100)) < 1e-6
