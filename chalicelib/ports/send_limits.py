"""How much of send limits is used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from chalicelib.domain.limits.limit import Limit, LimitOwner, Line, Usage


@dataclass(frozen=True, slots=True)
class Took:
    """What became of a wish for places. `full` is the limit that has none left, or None: all gave them. `free_at` is
    when that limit has room again; `waiting` how many stand in its line, about. `usages`: how much of the limits that
    were asked is used now."""

    usages: Sequence[Usage] = ()
    full: Limit | None = None
    free_at: float = 0.0
    waiting: int = 0


class SendLimits(Protocol):
    """Places in the windows of limits (`chalicelib.domain.limits.windows`), counted for owners that have limits, and
    for no others.

    However many workers ask, no window ever gives more places than its limit has; who dies with a place, or between two
    owners of one wish, loses it until the window has gone on. A write whose answer was lost may count twice.
    """

    async def take(
        self, limits: Sequence[Limit], count: int, now: float, *, in_line: Line | None = None
    ) -> Took:
        """Take so many places of each limit, or none of any. A limit that holds mail has none for who comes later:
        `in_line` is the line that this is the first of; that one, and those of limits before it in `limits`, it passes
        (`passed`). Raises TemporaryFailure."""

    async def give_back(self, limits: Sequence[Limit], count: int, at: float) -> None:
        """Give back places that `take` gave at `at`, because nothing was sent; of a window that has gone on, nothing.
        Raises TemporaryFailure."""

    async def usages(self, limits: Sequence[Limit], now: float) -> list[Usage]:
        """How much is used of each limit, in their order."""

    async def forget(self, owner: LimitOwner) -> None:
        """The owner is gone: so is what was counted for it."""
