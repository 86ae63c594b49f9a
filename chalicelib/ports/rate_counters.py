"""Counters of requests, which all processes of an installation share."""

from __future__ import annotations

from typing import Protocol

from chalicelib.domain.rates import Policy, Window


class RateCounters(Protocol):
    """Counts by policy and key; keys of two policies are apart."""

    async def take(self, policy: Policy, key: str, now: float) -> Window:
        """Count a request at `now`, unless the quota of the window is used up. However many ask at once, no more than
        the quota are counted. Raises TemporaryFailure."""

    async def give_back(self, policy: Policy, key: str, now: float) -> None:
        """Count one request less, if the window in which it was counted has not ended. Raises TemporaryFailure."""
