"""The mail path's view of the configuration, for every family: a cache of this process in front of its `Repository`.

It holds a bounded number of answers and drops all of them after each change that this process makes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from chalicelib.domain.errors import NotFound
from chalicelib.domain.tenancy.entity import Entity, Place
from chalicelib.ports.clock import Clock
from chalicelib.ports.recent import Recent
from chalicelib.ports.repository import Repository

T = TypeVar("T")

KEPT_SECONDS = 30
ABSENT_SECONDS = 2
MOST_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class _Kept:
    value: Any
    until: float


class RecentConfiguration(Recent):
    """The `Recent` port over any repository."""

    def __init__(self, repository: Repository, clock: Clock) -> None:
        self._repository = repository
        self._clock = clock
        self._kept: dict[Hashable, _Kept] = {}
        self._reading: dict[Hashable, asyncio.Future[Any]] = {}
        repository.watch(self._forget)

    async def get(self, entity: Entity[T], place: Place) -> T | None:
        """The value at this place, if any."""
        return await self.ask((entity, place), lambda: self._repository.get(entity, place))

    async def ask(self, question: Hashable, read: Callable[[], Awaitable[T]]) -> T | None:
        """The answer of `read`, or one that is kept; None when it raises NotFound."""
        kept = self._kept.get(question)
        if kept is not None and kept.until > self._clock.monotonic():
            known: T | None = kept.value
            return known
        reading = self._reading.get(question) or self._begin(question, read)
        # A caller that gives up must not take the answer away from the others.
        answer: T | None = await asyncio.shield(reading)
        return answer

    async def ask_now(self, question: Hashable, read: Callable[[], Awaitable[T]]) -> T | None:
        """Past what is kept and what others began to read, and kept."""
        answer: T | None = await asyncio.shield(self._begin(question, read))
        return answer

    async def fresh(self, entity: Entity[T], places: Sequence[Place]) -> dict[Place, T]:
        """Past the cache, and into it."""
        found = await self._repository.get_many(entity, places)
        for place, value in found.items():
            self._keep((entity, place), value)
        return found

    def _forget(self) -> None:
        self._kept.clear()
        self._reading.clear()

    def _begin(
        self, question: Hashable, read: Callable[[], Awaitable[T]]
    ) -> asyncio.Future[T | None]:
        """Read, and let those that ask from now on share the answer."""
        reading = asyncio.ensure_future(self._read(question, read))
        self._reading[question] = reading
        return reading

    async def _read(self, question: Hashable, read: Callable[[], Awaitable[T]]) -> T | None:
        reading = asyncio.current_task()
        try:
            value = await _answer(read)
            if self._reading.get(question) is reading:
                self._keep(question, value)  # else forgotten meanwhile: it may be of yesterday
            return value
        finally:
            if self._reading.get(question) is reading:
                del self._reading[question]

    def _keep(self, question: Hashable, value: Any) -> None:
        if len(self._kept) >= MOST_KEPT:
            self._kept.clear()  # somebody is guessing keys; what matters is read again at once
        seconds = KEPT_SECONDS if value else ABSENT_SECONDS
        self._kept[question] = _Kept(value, self._clock.monotonic() + seconds)


async def _answer(read: Callable[[], Awaitable[T]]) -> T | None:
    try:
        return await read()
    except NotFound:
        return None
