"""The counters of one mail server over a range of time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from chalicelib.domain.errors import FieldError, InvalidRequest
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.statistics import SECONDS, Count, Period, slot_of, totals
from chalicelib.ports.clock import Clock
from chalicelib.ports.statistics import Statistics

MOST_SLOTS = 1_500
END_OF_TIME = 10_000_000_000
# What is shown when nobody says since when: an hour of minutes, a day of hours, a month of days.
USUAL_SLOTS = {Period.MINUTE: 60, Period.HOUR: 24, Period.DAY: 30}


@dataclass(frozen=True, slots=True)
class Chart:
    """Slots that have counts, oldest first, by the epoch second of their start; `first` and `last` are the slots that
    were asked for, both inclusive."""

    period: Period
    first: int
    last: int
    slots: tuple[tuple[int, Mapping[Count, int]], ...]

    @property
    def totals(self) -> Mapping[Count, int]:
        """The sums over all slots."""
        return totals(counts for _, counts in self.slots)


class ServerStatistics:
    """Reads what the outbox has counted; it is behind what happens by seconds."""

    def __init__(self, clock: Clock, statistics: Statistics) -> None:
        self._clock = clock
        self._statistics = statistics

    async def chart(
        self, server: ServerId, period: Period, since: float | None, until: float | None
    ) -> Chart:
        """The slots from the one in which `since` lies to the one in which `until` lies (epoch seconds). Without
        `until` to the present one, without `since` a usual number. InvalidRequest for a range that is too long or
        runs backwards."""
        length = SECONDS[period]
        last = slot_of(server, period, self._clock.now() if until is None else until).start
        if since is None:
            first = max(0, last - (USUAL_SLOTS[period] - 1) * length)
        else:
            first = slot_of(server, period, since).start
        if not 0 <= first <= last < END_OF_TIME:
            raise _wrong(
                "/from", "range", "lies after the end, or one of them in no time that is kept"
            )
        if (last - first) // length >= MOST_SLOTS:
            raise _wrong("/from", "too_long", f"is more than {MOST_SLOTS} slots before the end")
        return Chart(
            period,
            first,
            last,
            tuple(await self._statistics.read(server, period, first, last)),
        )


def _wrong(pointer: str, code: str, detail: str) -> InvalidRequest:
    public = f"The range cannot be: its beginning {detail}"
    return InvalidRequest(public, (FieldError(pointer, code, detail),))
