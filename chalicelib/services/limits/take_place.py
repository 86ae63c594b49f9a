"""A place in each send limit of a message, taken at its first attempt (contract section 4.12, api.md 2.16).

What finds none is held, and stands in the line of the limit that holds it before its record says so: whoever dies in
between leaves a place in the line that nobody takes, and a message that is tried again. A message is counted once: not
at later attempts, nor if its limits let it go or counted it when it was accepted.
"""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.limit_hold import LimitHold
from chalicelib.domain.limits.limit import Limit, Standing, hold_of
from chalicelib.domain.limits.windows import gap
from chalicelib.domain.model import MessageRecord
from chalicelib.domain.tenancy.servers import Server
from chalicelib.ports.clock import Clock
from chalicelib.ports.limit_lines import LimitLines
from chalicelib.ports.send_limits import SendLimits, Took
from chalicelib.services.limits.over_mail import LimitsOverMail
from chalicelib.services.limits.tell import TellLimits
from chalicelib.services.queue.store_outcome import best_effort


class LimitUnknown(TemporaryFailure):
    """Limits cannot be counted at present: nothing was done, and the wake-up comes back."""


@dataclass(frozen=True, slots=True)
class Place:
    """Places in `limits`, taken at `at`; `hold` is there when one of them had none, and then none was taken. `words`
    say so."""

    limits: tuple[Limit, ...]
    at: float
    hold: LimitHold | None = None
    words: str = ""


class TakePlace:
    """Takes places, and gives them back."""

    def __init__(
        self,
        clock: Clock,
        limits: SendLimits,
        lines: LimitLines,
        over_mail: LimitsOverMail,
        tell: TellLimits,
    ) -> None:
        self._clock = clock
        self._limits = limits
        self._lines = lines
        self._over_mail = over_mail
        self._tell = tell

    async def run(self, record: MessageRecord, server: Server) -> Place | None:
        """Take a place for a claimed message; None when no limit counts it. Raises LimitUnknown."""
        if record.tries or record.counted:
            return None
        try:
            limits = await self._over_mail.still_to_count(record.message, server)
            if not limits:
                return None
            now = self._clock.now()
            took = await self._limits.take(limits, 1, now)
            if took.full is None:
                await self._tell.found(server, took.usages, 1)
                return Place(limits, now)
            return await self._held(record, server, limits, took)
        except TemporaryFailure as away:
            raise LimitUnknown(away.public) from away

    async def give_back(self, place: Place | None) -> None:
        """Give a place back, because nothing was sent."""
        if place is not None and place.hold is None:
            await best_effort(self._limits.give_back(place.limits, 1, place.at))

    async def _held(
        self, record: MessageRecord, server: Server, limits: tuple[Limit, ...], took: Took
    ) -> Place:
        full = took.full
        if full is None:
            raise RuntimeError("only what found no place is held")
        standing = Standing.of(record.message, record.attempt + 1)
        await self._lines.enter(full, standing, took.free_at)
        await self._tell.exceeded(server, took.usages, full)
        until = took.free_at + took.waiting * gap(full.period, full.most)
        return Place(limits, self._clock.now(), hold_of(full, until), full.words)
