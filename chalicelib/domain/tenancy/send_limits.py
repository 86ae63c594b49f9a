"""How many messages an owner may send in an hour, a day and a month, and what becomes of those above (api.md 2.16)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Period(StrEnum):
    """HOUR: sixty minutes that roll. DAY: 24 hours that roll. MONTH: a month of the calendar, in UTC."""

    HOUR = "hour"
    DAY = "day"
    MONTH = "month"


class LimitAction(StrEnum):
    """HOLD: mail above a limit is held and sent by itself, as places come free. REFUSE: it is not accepted."""

    HOLD = "hold"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class SendLimits:
    """The limits of one owner; None: there is none for that period."""

    hour: int | None = None
    day: int | None = None
    month: int | None = None
    action: LimitAction = LimitAction.HOLD

    @property
    def most(self) -> dict[Period, int]:
        """The periods that have a limit, and how many messages that is."""
        found = ((Period.HOUR, self.hour), (Period.DAY, self.day), (Period.MONTH, self.month))
        return {period: most for period, most in found if most is not None}


NO_LIMITS = SendLimits()
