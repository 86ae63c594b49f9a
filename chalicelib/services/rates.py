"""Bounds how often something may be asked for. What a key means is the caller's; only its digest is kept."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass

from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.rates import Policy
from chalicelib.ports.clock import Clock
from chalicelib.ports.rate_counters import RateCounters


@dataclass(frozen=True, slots=True)
class Quota:
    """What is left of a policy's quota, and in how many seconds all of it is there again."""

    policy: Policy
    left: int
    seconds: int


class RateExceeded(TemporaryFailure):
    """Above the rate of a policy. Nothing was done."""

    code = "throttled"

    def __init__(self, quota: Quota) -> None:
        policy = quota.policy
        super().__init__(
            f"At most {policy.quota} in {policy.seconds} seconds; ask again in {quota.seconds}"
        )
        self.quota = quota
        self.retry_after = quota.seconds


class Rates:
    """Counts requests against policies."""

    def __init__(self, clock: Clock, counters: RateCounters) -> None:
        self._clock = clock
        self._counters = counters

    async def count(self, policy: Policy, key: str) -> Quota:
        """Count one request of a key. Raises RateExceeded above the quota, TemporaryFailure."""
        now = self._clock.now()
        window = await self._counters.take(policy, _digest(key), now)
        seconds = max(1, math.ceil(window.began + policy.seconds - now))
        quota = Quota(policy, max(0, policy.quota - window.count), seconds)
        if window.is_over_quota:
            raise RateExceeded(quota)
        return quota

    async def give_back(self, policy: Policy, key: str) -> None:
        """Take back one request of a key that was counted. Raises TemporaryFailure."""
        await self._counters.give_back(policy, _digest(key), self._clock.now())


def _digest(key: str) -> str:
    return hashlib.sha256(key.lower().encode("utf-8", "surrogatepass")).hexdigest()
