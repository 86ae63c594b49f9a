"""Small per-server facts kept in the process: numbers and the send rate."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.domain.errors import PermanentFailure
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.suppression import Asked, Name, Suppression
from chalicelib.ports.numbers import Numbers
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
