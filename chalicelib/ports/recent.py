"""The configuration as the mail path reads it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Protocol, TypeVar

from chalicelib.domain.tenancy.entity import Entity, Place

T = TypeVar("T")


class Recent(Protocol):
    """Answers are at most 30 s old; that something is absent, at most 2 s.

    Questions that come at the same time share one read. A process sees its own changes at once.
    """

    async def get(self, entity: Entity[T], place: Place) -> T | None:
        """The value at this place, if any."""

    async def ask(self, question: Hashable, read: Callable[[], Awaitable[T]]) -> T | None:
        """What `read` answers, or did; None when that raises NotFound. What is empty counts as absent."""

    async def ask_now(self, question: Hashable, read: Callable[[], Awaitable[T]]) -> T | None:
        """The same, as it is at this moment, whoever changed it; `ask` knows it then. For what is lost when the answer
        is old. `read` reads freshly."""

    async def fresh(self, entity: Entity[T], places: Sequence[Place]) -> dict[Place, T]:
        """The values at those of the places that have one, as they are at this moment; `get` knows them then."""
