"""The lines in which deliveries to webhooks wait: who works at which, and when one is to be looked at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from chalicelib.domain.numbering import ServerId

if TYPE_CHECKING:
    from chalicelib.domain.webhooks.lane import Lane, LaneJob


class WebhookLanes(Protocol):
    """Lanes by webhook; one that nobody wrote to is there, free and well. Wake-ups come at least once."""

    async def wake(self, jobs: Sequence[LaneJob], at: float = 0) -> None:
        """Have somebody work at these lanes at this moment (epoch seconds), now when it has passed. Durable once it
        returns; TemporaryFailure unless all are."""

    async def get(self, server: ServerId, webhook: str) -> Lane:
        """The lane of a webhook."""

    async def claim(
        self, server: ServerId, webhook: str, owner: str, now: float, until: float
    ) -> Lane:
        """The lane, held by `owner` until `until` if nobody else held it at `now`; else as it stands."""

    async def extend(self, lane: Lane, until: float) -> bool:
        """Hold it longer; False when somebody else holds it."""

    async def let_go(self, lane: Lane, due_at: float | None) -> bool:
        """Free a lane that one holds, keep what is known of its receiver, and have it worked at when `due_at` has come.
        False, and nothing changed, when somebody else holds it."""

    async def forget_failures(self, server: ServerId, webhook: str) -> None:
        """Begin anew: its receiver is neither failing nor slow."""

    async def due(self, now: float, limit: int) -> list[LaneJob]:
        """Lanes that are to be looked at by `now` and that nobody holds, earliest first: for the sweep, or for the
        workers of one host."""

    async def clear_due(self, job: LaneJob, now: float) -> None:
        """The lane was woken: it is not due any more, unless for a later moment than `now`."""
