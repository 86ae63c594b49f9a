"""The lines of mail that send limits hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from chalicelib.domain.limits.limit import Holding, LimitOwner, Line, Standing


@dataclass(frozen=True, slots=True)
class LineState:
    """A line that holds mail, as it is at a moment. `due_at` is when it is to be looked at, `released_at` the latest
    moment that it sent one for, `most` the limit by which it was looked at last. `mark` tells this state from later
    ones."""

    line: Line
    due_at: float
    released_at: float = 0.0
    most: int | None = None
    waiting: int = 0
    mark: str = ""


class LimitLines(Protocol):
    """What limits hold, in the order of acceptance. A line is there while anything stands in it."""

    async def enter(self, limit: Holding, standing: Standing, due_at: float) -> None:
        """Have a message stand in the line of a limit, where it may stand already; look at the line at `due_at` or
        earlier. Once it returns, later mail under this limit gets no place before it."""

    async def leave(self, line: Line, standing: Standing) -> None:
        """Have a message stand there no longer, unless it has entered again since."""

    async def first(self, line: Line, count: int, after: Standing | None = None) -> list[Standing]:
        """Those at the head of a line, or behind a place in it. Consistent."""

    async def due(self, now: float, count: int) -> list[LineState]:
        """Lines that are to be looked at, longest due first. May lag by seconds."""

    async def state(self, line: Line) -> LineState | None:
        """A line as it is now; None when nothing stands in it."""

    async def put_off(self, state: LineState, after: LineState) -> bool:
        """Write when a line is looked at next, and what it did; False when it was changed, but by `enter`, since
        `state` was read."""

    async def close(self, state: LineState) -> bool:
        """Nothing stands in the line: mail goes on freely. False when something has entered since `state` was read."""

    async def hurry(self, owner: LimitOwner, now: float) -> None:
        """Look at the lines of an owner at once, because its limits were changed."""
