"""The mail path's view of the configuration on one host: dropped within a tenth of a second after any process wrote."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Coroutine, Hashable
from typing import Any, TypeVar

from chalicelib.adapters.sqlite.control import ControlDatabase
from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.folder import StateFolder
from chalicelib.adapters.storage.recent import RecentConfiguration
from chalicelib.ports.clock import Clock
from chalicelib.ports.repository import Repository

T = TypeVar("T")
LOOK_SECONDS = 0.1


class SqliteRecent(RecentConfiguration):
    """The `Recent` port over control.db."""

    def __init__(
        self,
        repository: Repository,
        clock: Clock,
        database: ControlDatabase,
        folder: StateFolder,
    ) -> None:
        super().__init__(repository, clock)
        self._database = database
        self._version = 0
        # Nobody else writes to what is in memory.
        self._look_at = 0.0 if folder.path is not None else math.inf

    def ask(
        self, question: Hashable, read: Callable[[], Awaitable[T]]
    ) -> Coroutine[Any, Any, T | None]:
        """What `read` answers; kept until somebody writes, and no longer than in every family."""
        now = self._clock.monotonic()
        if now >= self._look_at:
            self._look_at = now + LOOK_SECONDS
            ((version,),) = self._database.read(lambda db: fetched(db, "PRAGMA data_version"))
            if version != self._version:
                self._version = version
                self._forget()
        return super().ask(question, read)
