"""Whether a complaint or bounce rate is above its limit, by the counters of whole hours.

Pure. The window is 24 whole hours and the one that has begun. A complaint counts against the messages that were
delivered, a failure for good against those that were delivered or refused; both count once a message, and only what
somebody vouches for and what is about the recipient: `domain.statistics`. A rate holds mail when it is above the limit,
of so many messages as the smallest count says or more. It lets go at APART of the limit, so that it does not begin and
end with every message, or when there are fewer messages than that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from chalicelib.domain.durations import HOUR
from chalicelib.domain.limits.limit import LimitOwner, OwnerKind, RateLine
from chalicelib.domain.model import MessageRecord, Status
from chalicelib.domain.periods import Period, start_of
from chalicelib.domain.statistics import Count, Counts, totals
from chalicelib.domain.tenancy.rate_limits import (
    USUAL_COUNT,
    Rate,
    RateHold,
    RateLimits,
    hundredths,
    percent_of,
)
from chalicelib.domain.tenancy.servers import Server

HOURS = 24
APART = 80  # percent of a limit
_WHOLE = 10_000  # hundredths of a percent

Hours = Mapping[int, Counts]
"""Counters by the first second of their hour."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A rate as it is: `counted` messages of `base`."""

    rate: Rate
    stream: str
    limit: float
    least: int
    counted: int
    base: int

    @property
    def percent(self) -> float:
        """With two decimals."""
        return percent_of(self.counted, self.base)

    @property
    def is_above(self) -> bool:
        """Whether it is above its limit, which to meet is not."""
        return self.base >= self.least and self._part > hundredths(self.limit) * self.base

    @property
    def is_near(self) -> bool:
        """Whether it is above APART of its limit."""
        return (
            self.base >= self.least
            and self._part * 100 > hundredths(self.limit) * self.base * APART
        )

    @property
    def _part(self) -> int:
        return self.counted * _WHOLE


def window(now: float) -> tuple[int, int]:
    """The first seconds of the oldest and the newest hour that count."""
    newest = start_of(Period.HOUR, now)
    return newest - HOURS * HOUR, newest


def measured(
    rate: Rate, stream: str, limits: RateLimits, counts: Iterable[Counts]
) -> Measured | None:
    """A rate over hours; None where it has no limit."""
    limit = limits.of(rate)
    if limit is None:
        return None
    found = totals(counts)
    sent = found.get(Count.SENT_MESSAGES, 0)
    if rate is Rate.COMPLAINT:
        counted, base = found.get(Count.PROVEN_COMPLAINTS, 0), sent
    else:
        refused = found.get(Count.REFUSED_MESSAGES, 0)
        counted, base = refused + found.get(Count.RETURNED_MESSAGES, 0), sent + refused
    least = USUAL_COUNT if limits.count is None else limits.count
    return Measured(rate, stream, limit, least, min(counted, base), base)


def judged(
    stream: str, limits: RateLimits, hours: Hours, known: Sequence[RateHold], now: float
) -> tuple[RateHold, ...]:
    """What holds the mail of a stream, or (the empty text) of a whole server, now that `known` did so far."""
    found = []
    for rate in Rate:
        before = next((one for one in known if one.is_of == (rate, stream)), None)
        hold = _judged(rate, stream, limits, hours, before, now)
        if hold is not None:
            found.append(hold)
    return tuple(found)


def _judged(
    rate: Rate, stream: str, limits: RateLimits, hours: Hours, before: RateHold | None, now: float
) -> RateHold | None:
    first, _ = window(now)
    is_now = measured(rate, stream, limits, _since(hours, first))
    # A limit that was raised since is a new one: what is below that goes.
    goes_on = before is not None and is_now is not None and is_now.limit <= before.limit
    if is_now is None or not (is_now.is_near if goes_on else is_now.is_above):
        return None
    until = _ends(rate, limits, hours, now)
    if before is not None:
        return replace(before, limit=is_now.limit, until=until)
    return RateHold(rate, stream, is_now.limit, is_now.counted, is_now.base, int(now), until)


def _ends(rate: Rate, limits: RateLimits, hours: Hours, now: float) -> int:
    """When it ends if nothing more comes: with the first hour that counts no longer and without which it is low
    enough."""
    first, newest = window(now)
    for step in range(1, HOURS + 1):
        left = measured(rate, "", limits, _since(hours, first + step * HOUR))
        if left is None or not left.is_near:
            return newest + step * HOUR
    return newest + (HOURS + 1) * HOUR


def _since(hours: Hours, first: int) -> list[Counts]:
    return [counts for start, counts in hours.items() if start >= first]


def holds_of(holds: Sequence[RateHold], stream: str) -> RateHold | None:
    """What holds new mail of a stream: of what is the server's as a whole, or its own."""
    return next((one for one in holds if one.stream in ("", stream)), None)


def limit_of_hold(server: Server, hold: RateHold) -> RateLine:
    """The line in which what a rate holds stands: one for each server or stream and rate."""
    owner = LimitOwner(OwnerKind.SERVER, server.id, hold.stream)
    return RateLine(owner, hold.rate, hundredths(hold.limit))


def details_of(hold: RateHold) -> str:
    """The details of what it holds."""
    whose = f"of the stream {hold.stream}" if hold.stream else "of the server"
    return f"{_held_because(hold.rate)} {whose} is above {hold.limit:g} %."


def goes_past(record: MessageRecord) -> bool:
    """Whether what a person sent on is no new mail: it was tried before, or it was a rate that held it last, which only
    an operator overrules. What was held for another reason anybody of the tenant sends on, and so it is new."""
    last = record.deliveries[-1] if record.deliveries else None
    if last is None:
        return False
    is_tried = any(one.status is not Status.HELD for one in record.deliveries)
    return is_tried or last.details.startswith(tuple(map(_held_because, Rate)))


def _held_because(rate: Rate) -> str:
    return f"Message held because the {rate.words}"
