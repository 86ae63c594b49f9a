"""Holding new mail of a server or stream whose complaint or bounce rate is above its limit.

What is held stands in the line of the rate before its record says so, as with send limits: whoever dies in between
leaves an entry that is passed over. Mail of the installation itself is never held, nor is what was tried before.
"""

from __future__ import annotations

from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.limit_hold import LimitHold
from chalicelib.domain.limits.limit import Standing, hold_of
from chalicelib.domain.limits.rates import details_of, holds_of, limit_of_hold
from chalicelib.domain.model import SYSTEM_CREDENTIAL, MessageRecord
from chalicelib.domain.tenancy.servers import Server
from chalicelib.ports.clock import Clock
from chalicelib.ports.limit_lines import LimitLines
from chalicelib.services.limits.take_place import LimitUnknown
from chalicelib.services.reputation.watch_rates import LOOK_SECONDS, WatchRates


class HoldForRates:
    """Decides before an attempt."""

    def __init__(self, clock: Clock, lines: LimitLines, watch: WatchRates) -> None:
        self._clock = clock
        self._lines = lines
        self._watch = watch

    async def run(self, record: MessageRecord, server: Server) -> tuple[str, LimitHold] | None:
        """The details of the hold of a claimed message; None for one that goes on. Raises LimitUnknown."""
        message = record.message
        if record.tries or message.origin.credential_id == SYSTEM_CREDENTIAL:
            return None
        hold = holds_of(await self._watch.seen(server), message.stream_name)
        if hold is None:
            return None
        limit, standing = limit_of_hold(server, hold), Standing.of(message, record.attempt + 1)
        try:
            await self._lines.enter(limit, standing, self._clock.now() + LOOK_SECONDS)
        except TemporaryFailure as away:
            raise LimitUnknown(away.public) from away
        return details_of(hold), hold_of(limit, hold.until)
