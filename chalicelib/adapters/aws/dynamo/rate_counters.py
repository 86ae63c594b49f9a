"""Requests counted in the mail table: `RATE#<policy>#<key>`, an item a window, which ends with it."""

from __future__ import annotations

from chalicelib.adapters.aws.dynamo.table import Item, Table
from chalicelib.adapters.aws.session import AwsSession
from chalicelib.config import Settings
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.rates import Policy, Window
from chalicelib.ports.rate_counters import RateCounters

_RACES = 20
_COUNT = "ADD n :one"
# One that began later than now by more than its length is of a clock that was set back since.
_IS_OPEN = "t > :over AND t < :ahead"
_HAS_ROOM = f"{_IS_OPEN} AND n < :quota"
_TAKEN = f"{_IS_OPEN} AND n > :none"
_BEGIN = "SET t = :now, n = :one, x = :end"
_IS_OVER = "attribute_not_exists(PK) OR t <= :over OR t >= :ahead"


class DynamoRateCounters(RateCounters):
    """The `RateCounters` port over the mail table."""

    def __init__(self, session: AwsSession, settings: Settings) -> None:
        self._table = Table(session, settings.mail_table)

    async def take(self, policy: Policy, key: str, now: float) -> Window:
        """One update, or two when a window begins."""
        at = f"RATE#{policy.name}#{key}", "A"
        over, one = _around(policy, now), {":one": {"N": "1"}}
        quota: Item = {":quota": {"N": str(policy.quota)}}
        begin: Item = {":now": {"N": repr(now)}, ":end": {"N": str(int(now) + policy.seconds + 1)}}
        for _ in range(_RACES):
            counted = await self._table.update(
                at, _COUNT, over | one | quota, _HAS_ROOM, returning="ALL_NEW"
            )
            if counted.held:
                return Window(int(counted.item["n"]["N"]), float(counted.item["t"]["N"]))
            if counted.item and abs(now - float(counted.item["t"]["N"])) < policy.seconds:
                return Window(policy.quota, float(counted.item["t"]["N"]), is_over_quota=True)
            if (await self._table.update(at, _BEGIN, over | one | begin, _IS_OVER)).held:
                return Window(1, now)
        raise TemporaryFailure("Too many requests at a time, try again later")

    async def give_back(self, policy: Policy, key: str, now: float) -> None:
        """One update."""
        less: Item = {":one": {"N": "-1"}, ":none": {"N": "0"}}
        at = f"RATE#{policy.name}#{key}", "A"
        await self._table.update(at, _COUNT, less | _around(policy, now), _TAKEN)


def _around(policy: Policy, now: float) -> Item:
    """Between which moments a window has begun that is open."""
    over, ahead = now - policy.seconds, now + policy.seconds
    return {":over": {"N": repr(over)}, ":ahead": {"N": repr(ahead)}}
