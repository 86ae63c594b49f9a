"""The counters of mail servers over a range of time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from chalicelib.domain.errors import FieldError, InvalidRequest
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.periods import SECONDS, Period, before, next_after, slots_between, start_of
from chalicelib.domain.statistics import Counts, totals
from chalicelib.ports.clock import Clock
from chalicelib.ports.statistics import Statistics
from chalicelib.services.gather import gather

MOST_SLOTS = 1_500
AT_A_TIME = 20  # servers
END_OF_TIME = 10_000_000_000
# What is shown when nobody says since when: an hour of minutes, a day of hours, a month of days, a year of months.
USUAL_SLOTS = {Period.MINUTE: 60, Period.HOUR: 24, Period.DAY: 30, Period.MONTH: 12}


@dataclass(frozen=True, slots=True)
class Chart:
    """Slots that have counts, oldest first, by the epoch second of their start; `first` and `last` are the slots that
    were asked for, both inclusive."""

    period: Period
    first: int
    last: int
    slots: tuple[tuple[int, Counts], ...]

    @property
    def totals(self) -> Counts:
        """The sums over all slots."""
        return totals(counts for _, counts in self.slots)


@dataclass(frozen=True, slots=True)
class Range:
    """Slots of a period, from the one that begins at `first` to the one that begins at `last`, both inclusive."""

    period: Period
    first: int
    last: int

    @property
    def stored(self) -> tuple[Period, int]:
        """What is counted of it, and the last slot of that: of months their days."""
        if self.period is not Period.MONTH:
            return self.period, self.last
        return Period.DAY, next_after(Period.MONTH, self.last) - SECONDS[Period.DAY]


def range_of(period: Period, since: float | None, until: float | None, now: float) -> Range:
    """The slots from the one in which `since` lies to the one in which `until` lies (epoch seconds). Without `until` to
    the present one, without `since` a usual number. InvalidRequest for a range that is too long or runs backwards."""
    last = start_of(period, now if until is None else until)
    usual = before(period, last, USUAL_SLOTS[period] - 1)
    first = usual if since is None else start_of(period, since)
    if not 0 <= first <= last < END_OF_TIME:
        raise _wrong("/from", "range", "lies after the end, or one of them in no time that is kept")
    if slots_between(period, first, last) > MOST_SLOTS:
        raise _wrong("/from", "too_long", f"is more than {MOST_SLOTS} slots before the end")
    return Range(period, first, last)


class ServerStatistics:
    """Reads what the outbox has counted; it is behind what happens by seconds."""

    def __init__(self, clock: Clock, statistics: Statistics) -> None:
        self._clock = clock
        self._statistics = statistics

    async def chart(
        self, servers: Sequence[ServerId], period: Period, since: float | None, until: float | None
    ) -> Chart:
        """The sums of these servers in the slots of `range_of`."""
        asked = range_of(period, since, until, self._clock.now())
        stored, last = asked.stored
        found: list[tuple[int, Counts]] = []
        for at in range(0, len(servers), AT_A_TIME):
            read = await gather(
                self._statistics.read(server, stored, asked.first, last)
                for server in servers[at : at + AT_A_TIME]
            )
            found += (slot for slots in read for slot in slots)
        return charted(asked, found)


def charted(asked: Range, found: Iterable[tuple[int, Counts]]) -> Chart:
    """The sums of what was found, by slot of the range."""
    by_start: dict[int, list[Counts]] = {}
    for start, counts in found:
        by_start.setdefault(start_of(asked.period, start), []).append(counts)
    slots = tuple((start, totals(counts)) for start, counts in sorted(by_start.items()))
    return Chart(asked.period, asked.first, asked.last, slots)


def _wrong(pointer: str, code: str, detail: str) -> InvalidRequest:
    public = f"The range cannot be: its beginning {detail}"
    return InvalidRequest(public, (FieldError(pointer, code, detail),))
