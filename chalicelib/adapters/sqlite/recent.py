"""The mail path's view of the configuration on one host: dropped within a tenth of a second after any process wrote.

What is asked for freshly is read again once anybody wrote, which the database tells: no answer is older than its
question.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Sequence
from typing import Any, TypeVar

from chalicelib.adapters.sqlite.control import ControlDatabase
from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.folder import StateFolder
from chalicelib.adapters.storage.recent import RecentConfiguration
from chalicelib.domain.tenancy.entity import Entity, Place
from chalicelib.ports.clock import Clock
from chalicelib.ports.repository import Repository

T = TypeVar("T")
LOOK_SECONDS = 0.1
MOST_FRESH = 1_000


class SqliteRecent(RecentConfiguration):
    """The `Recent` port over control.db."""

    def __init__(
        self,
        repository: Repository,
        clock: Clock,
        database: ControlDatabase,
        folder: StateFolder,
    ) -> None:
        self._fresh: dict[Hashable, dict[Place, Any]] = {}
        super().__init__(repository, clock)
        self._database = database
        self._version = 0
        # Nobody else writes to what is in memory.
        self._has_others = folder.path is not None
        self._look_at = 0.0 if self._has_others else math.inf

    def ask(
        self, question: Hashable, read: Callable[[], Awaitable[T]]
    ) -> Coroutine[Any, Any, T | None]:
        """What `read` answers; kept until somebody writes, and no longer than in every family."""
        if self._clock.monotonic() >= self._look_at:
            self._look()
        return super().ask(question, read)

    async def ask_now(self, question: Hashable, read: Callable[[], Awaitable[T]]) -> T | None:
        """As it is now; read only if somebody wrote since it was read."""
        if self._has_others:
            self._look()
        return await super().ask(question, read)

    async def fresh(self, entity: Entity[T], places: Sequence[Place]) -> dict[Place, T]:
        """As it is now; read only if somebody wrote since it was read."""
        if self._has_others:
            self._look()
        wanted = entity, tuple(places)
        if wanted not in self._fresh:
            if len(self._fresh) >= MOST_FRESH:
                self._fresh.clear()
            self._fresh[wanted] = await super().fresh(entity, places)
        return dict(self._fresh[wanted])

    def _look(self) -> None:
        """Forget everything if the database was written to since the last look."""
        self._look_at = self._clock.monotonic() + LOOK_SECONDS
        ((version,),) = self._database.read(lambda db: fetched(db, "PRAGMA data_version"))
        if version != self._version:
            self._version = version
            self._forget()

    def _forget(self) -> None:
        self._fresh.clear()
        super()._forget()
