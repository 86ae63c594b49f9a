"""The clock of the year: it is moved from moment to moment, and its owner may set it wrong as administrators do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from chalicelib.adapters.scripted.time import ControlledClock


class YearClock(ControlledClock):
    """A clock whose monotonic time only ever grows, whatever is done to its date."""

    def __init__(self, now: float, moved: Callable[[float], None] = lambda now: None) -> None:
        super().__init__(now)
        self._corrected = 0.0
        self._tell = moved
        moved(now)

    def advance(self, seconds: float) -> None:
        """Move it, and tell whose clock goes with it."""
        super().advance(seconds)
        self._tell(self.now())

    def monotonic(self) -> float:
        """Seconds since the clock was made, as they passed."""
        return super().monotonic() - self._corrected

    def correct(self, seconds: float) -> None:
        """Set the date forward or back, while no time passes."""
        self._corrected += seconds
        self.advance(seconds)

    def wait_for(self, moment: float) -> None:
        """Let time pass until a moment, unless that is over."""
        self.advance(max(0.0, moment - self.now()))

    @property
    def date(self) -> datetime:
        """Now, in UTC."""
        return datetime.fromtimestamp(self.now(), UTC)


def moment(text: str) -> float:
    """The epoch second of an ISO date or time, in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
