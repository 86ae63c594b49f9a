"""Small per-server facts kept in the process: numbers and the send rate."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.domain.errors import PermanentFailure
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.suppression import Asked, Name, Suppression
from chalicelib.ports.numbers import Numbers
from chalicelib.ports.send_rate import SendRate
from chalicelib.ports.suppressions import SuppressionList

HIGHEST_NUMBER = 2**31 - 1


class NobodyListed(SuppressionList):
    """The `SuppressionList` port of a relay that lists nobody."""

    async def listed(self, asked: Sequence[Asked], now: float) -> dict[Asked, Suppression]:
        """Nobody."""
        return {}

    async def get(
        self, owner: ServerId, names: Sequence[Name], now: float
    ) -> dict[Name, Suppression]:
        """Nobody."""
        return {}


class MemoryNumbers(Numbers):
    """The `Numbers` port in memory: without gaps."""

    def __init__(self) -> None:
        self._last: dict[tuple[ServerId, str], int] = {}

    async def take(self, server: ServerId, kind: str, count: int) -> list[int]:
        """The next `count` numbers of a kind."""
        last = self._last.get((server, kind), 0)
        if last + count > HIGHEST_NUMBER:
            raise PermanentFailure("This server has used all its numbers")
        self._last[server, kind] = last + count
        return list(range(last + 1, last + count + 1))


class MemorySendRate(SendRate):
    """The `SendRate` port in memory, by minute."""

    def __init__(self) -> None:
        self._minutes: dict[ServerId, dict[int, int]] = {}

    async def reserve(self, server: ServerId, now: float) -> int:
        """Count one first attempt in the minute of `now`; which one of the last 60 minutes it is."""
        minute = int(now) // 60
        counts = self._minutes.setdefault(server, {})
        if minute not in counts:
            for past in [past for past in counts if past < minute - 60]:
                del counts[past]
        counts[minute] = counts.get(minute, 0) + 1
        return sum(counts.get(past, 0) for past in range(minute - 59, minute + 1))

    async def give_back(self, server: ServerId, now: float) -> None:
        """Uncount one of the minute of `now`."""
        counts = self._minutes.setdefault(server, {})
        counts[int(now) // 60] = counts.get(int(now) // 60, 0) - 1
