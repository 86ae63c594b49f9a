"""What people read off counters: rates and times (api.md 2.14).

A rate is cut at 1, since base and numerator are those of a range, and a message may be sent in one and opened in the
next. None where nothing is there to be divided by.
"""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.domain.latency import percentiles
from chalicelib.domain.statistics import Count, Counts


@dataclass(frozen=True, slots=True)
class Rates:
    """Parts of outgoing messages: of those accepted `delivered` and `bounced`, of those delivered the rest."""

    delivered: float | None
    bounced: float | None
    complained: float | None
    opened: float | None
    clicked: float | None


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds from accepted to first sent, each within a tenth."""

    p50: float
    p90: float
    p95: float
    p99: float


def rates_of(counts: Counts) -> Rates:
    """The rates of a range."""
    accepted, sent = counts.get(Count.OUTGOING, 0), counts.get(Count.SENT_MESSAGES, 0)
    return Rates(
        delivered=_rate(sent, accepted),
        bounced=_rate(counts.get(Count.FAILED_MESSAGES, 0), accepted),
        complained=_rate(counts.get(Count.COMPLAINTS, 0), sent),
        opened=_rate(counts.get(Count.OPENED_MESSAGES, 0), sent),
        clicked=_rate(counts.get(Count.CLICKED_MESSAGES, 0), sent),
    )


def latency_of(counts: Counts) -> Latency | None:
    """The times of a range; None when nothing was sent."""
    found = percentiles(counts)
    return None if found is None else Latency(found[50], found[90], found[95], found[99])


def _rate(part: int, whole: int) -> float | None:
    return None if whole == 0 else min(1.0, part / whole)
