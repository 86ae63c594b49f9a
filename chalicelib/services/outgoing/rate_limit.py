"""The step that holds new mail of a server or stream about which too many complain, or too much of which comes back.
What an operator released goes past it."""

from __future__ import annotations

from chalicelib.domain.limits.rates import goes_past
from chalicelib.domain.outgoing.checks import Decision, Hold
from chalicelib.services.limits.hold_for_rates import HoldForRates
from chalicelib.services.outgoing.attempt import OutgoingAttempt


class RateLimit:
    """The step."""

    def __init__(self, rates: HoldForRates) -> None:
        self._rates = rates

    async def run(self, attempt: OutgoingAttempt) -> Decision | None:
        """Hold the message, or let it go on. Raises LimitUnknown."""
        is_sent_on = attempt.facts.manual and goes_past(attempt.record)
        if attempt.facts.for_postmaster or is_sent_on:
            return None
        held = await self._rates.run(attempt.record, attempt.facts.server)
        return None if held is None else Hold(*held)
