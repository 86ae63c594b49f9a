"""When things of the configuration were used last: noted at most once an hour for each process and thing.

A store that is away keeps nobody from using them.
"""

from __future__ import annotations

import logging
from typing import Any, Protocol, TypeVar

from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.tenancy.entity import Entity
from chalicelib.ports.clock import Clock
from chalicelib.ports.repository import Repository

LOG = logging.getLogger("posthorn.last_use")

USE_SECONDS = 3_600
MOST_NOTED = 10_000


class Used(Protocol):
    """What has an id, and a time when it was used last."""

    @property
    def id(self) -> str: ...

    @property
    def last_used_at(self) -> int | None: ...


T = TypeVar("T", bound=Used)


class LastUse:
    """Notes uses."""

    def __init__(self, repository: Repository, clock: Clock) -> None:
        self._repository = repository
        self._clock = clock
        self._noted: dict[str, int] = {}

    async def note(self, entity: Entity[T], value: T, **seen: Any) -> None:
        """Note that it is used now, and what else was seen, unless that was done within USE_SECONDS."""
        now = int(self._clock.now())
        if 0 <= now - self._noted.get(value.id, value.last_used_at or 0) < USE_SECONDS:
            return
        if len(self._noted) >= MOST_NOTED:
            self._noted.clear()
        self._noted[value.id] = now
        try:
            await self._repository.note(entity, value, last_used_at=now, **seen)
        except TemporaryFailure as away:
            LOG.warning("use not noted: %s", away.public)
