"""What the API counted, as charts draw it: the periods that pages offer, their slots, and the words under a chart.

Pure. Slots are those of the API (UTC); what stands beside them is said in the zone of whoever looks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any

from chalicelib.web.charts import Series, Slot, Value, bars, lines
from chalicelib.web.words import read_time

LABELS = 5


@dataclass(frozen=True, slots=True)
class Span:
    """A period that pages offer: so many slots of the API, each bar of `each` of them, each row of the table of `row`
    bars."""

    name: str
    word: str
    period: str
    step: timedelta
    count: int
    each: int = 1
    row: int = 1

    @property
    def length(self) -> timedelta:
        """How long it is."""
        return self.step * self.count

    def query(self, now: datetime) -> dict[str, str]:
        """What `GET /statistics` is asked for it."""
        begin = now - self.step * (self.count - 1)
        return {"period": self.period, "from": begin.isoformat(), "to": now.isoformat()}


_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SPANS: Mapping[str, Span] = {
    one.name: one
    for one in (
        Span("hour", "1 hour", "minute", _MINUTE, 60, row=5),
        Span("day", "24 hours", "hour", _HOUR, 24),
        Span("week", "7 days", "hour", _HOUR, 168, each=6),
        Span("month", "30 days", "day", _DAY, 30),
        Span("year", "12 months", "day", _DAY, 364, row=7),
    )
}


def span_of(name: str) -> Span:
    """The period of an address; a day without one."""
    return SPANS.get(name) or SPANS["day"]


Links = Callable[[datetime, datetime], str]


@dataclass(frozen=True, slots=True)
class Counted:
    """The answer of `GET /statistics` for a span, slot by slot; what was not counted is 0."""

    span: Span
    answer: Mapping[str, Any]
    zone: tzinfo
    now: datetime

    def sums(self, *names: str) -> list[Value]:
        """For each bar the sum of these counters."""
        each = self.span.each
        one_by_one = [
            sum(slot["counts"][name] for name in names) if slot else 0 for slot in self._slots()
        ]
        return [sum(one_by_one[at : at + each]) for at in range(0, len(one_by_one), each)]

    def times(self, name: str) -> list[Value]:
        """For each bar the slowest `p50` or `p95` of its slots; None where nothing was sent."""
        each = self.span.each
        known = [((slot or {}).get("latency") or {}).get(name) for slot in self._slots()]
        parts = (known[at : at + each] for at in range(0, len(known), each))
        return [max((one for one in part if one is not None), default=None) for part in parts]

    def rows(self, links: Links | None = None) -> list[Slot]:
        """The slots of the table, each with where its messages are."""
        wide = self.span.step * self.span.each * self.span.row
        whole = self.span.count // self.span.each // self.span.row
        starts = (self._first + wide * at for at in range(whole))
        return [
            Slot(*self._names(start, start + wide), links(start, start + wide) if links else "")
            for start in starts
        ]

    def axis(self) -> list[str]:
        """Five words under the chart, the last one now."""
        wide = self.span.step * self.span.each
        bars_shown = self.span.count // self.span.each
        starts = [
            self._first + wide * (bars_shown * at // (LABELS - 1)) for at in range(LABELS - 1)
        ]
        said = [self._short(start) for start in starts]
        if self.span.length <= _DAY and not self._is_today(starts[0]):
            said[0] += " yesterday"
        return [*said, self._short(self.now)]

    @property
    def _first(self) -> datetime:
        return read_time(self.answer["from"])

    def _slots(self) -> list[Mapping[str, Any] | None]:
        found = {read_time(one["at"]): one for one in self.answer["data"]}
        return [found.get(self._first + self.span.step * at) for at in range(self.span.count)]

    def _is_today(self, moment: datetime) -> bool:
        return moment.astimezone(self.zone).date() == self.now.astimezone(self.zone).date()

    def _short(self, moment: datetime) -> str:
        there = moment.astimezone(self.zone)
        if self.span.length <= _DAY:
            return f"{there:%H:%M}"
        return f"{there.day} {there:%b}"

    def _names(self, start: datetime, end: datetime) -> tuple[str, str]:
        """`11:00 to 11:59`, and `11:00`."""
        there, last = start.astimezone(self.zone), (end - _MINUTE).astimezone(self.zone)
        day = f"{there.day} {there:%B}"
        if self.span.period == "minute" and self.span.row == 1:
            return f"at {there:%H:%M}", f"{there:%H:%M}"
        if self.span.length <= _DAY:
            return f"{there:%H:%M} to {last:%H:%M}", f"{there:%H:%M}"
        if self.span.period == "hour":
            return f"{day}, {there:%H:%M} to {last:%H:%M}", f"{day}, {there:%H:%M}"
        if self.span.row > 1:
            return f"{day} to {last.day} {last:%B}", f"{day} to {last.day} {last:%B}"
        return day, day


def mail_chart(counted: Counted, links: Links | None = None) -> str:
    """Outgoing mail by slot: accepted, and below it what was delayed and what failed."""
    return bars(
        counted.rows(links),
        Series("Accepted", "good", counted.sums("outgoing")),
        (
            Series("Delayed", "late", counted.sums("soft_fails")),
            Series("Failed or bounced", "bad", counted.sums("hard_fails", "bounces")),
        ),
        counted.axis(),
        below_word="Delayed and failed",
        is_running=True,
    )


def incoming_chart(counted: Counted, links: Links | None = None) -> str:
    """Incoming mail by slot: received, and below it what was spam."""
    return bars(
        counted.rows(links),
        Series("Received", "good", counted.sums("incoming")),
        (Series("Spam", "late", counted.sums("spam")),),
        counted.axis(),
        below_word="Spam",
        is_running=True,
    )


def time_chart(counted: Counted, links: Links | None = None) -> str:
    """Seconds to delivery by slot."""
    whole = counted.answer["latency"] or {}
    return lines(
        counted.rows(links),
        counted.times("p50"),
        counted.times("p95"),
        counted.axis(),
        (whole.get("p50"), whole.get("p95")),
    )
