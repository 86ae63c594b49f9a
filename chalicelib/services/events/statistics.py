"""The counters of mail servers over a range of time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chalicelib.domain.errors import FieldError, InvalidRequest
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.statistics import SECONDS, Count, Period, start_of, totals
from chalicelib.ports.clock import Clock
from chalicelib.ports.statistics import Statistics
from chalicelib.services.gather import gather

MOST_SLOTS = 1_500
AT_A_TIME = 20  # servers
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
        self, servers: Sequence[ServerId], period: Period, since: float | None, until: float | None
    ) -> Chart:
        """The sums of these servers in the slots from the one in which `since` lies to the one in which `until` lies
        (epoch seconds). Without `until` to the present one, without `since` a usual number. InvalidRequest for a range
        that is too long or runs backwards."""
        length = SECONDS[period]
        last = start_of(period, self._clock.now() if until is None else until)
        usual = max(0, last - (USUAL_SLOTS[period] - 1) * length)
        first = usual if since is None else start_of(period, since)
        if not 0 <= first <= last < END_OF_TIME:
            raise _wrong(
                "/from", "range", "lies after the end, or one of them in no time that is kept"
            )
        if (last - first) // length >= MOST_SLOTS:
            raise _wrong("/from", "too_long", f"is more than {MOST_SLOTS} slots before the end")
        found: dict[int, list[Mapping[Count, int]]] = {}
        for at in range(0, len(servers), AT_A_TIME):
            read = await gather(
                self._statistics.read(server, period, first, last)
                for server in servers[at : at + AT_A_TIME]
            )
            for start, counts in (slot for slots in read for slot in slots):
                found.setdefault(start, []).append(counts)
        return Chart(
            period,
            first,
            last,
            tuple((start, totals(counts)) for start, counts in sorted(found.items())),
        )


def _wrong(pointer: str, code: str, detail: str) -> InvalidRequest:
    public = f"The range cannot be: its beginning {detail}"
    return InvalidRequest(public, (FieldError(pointer, code, detail),))
