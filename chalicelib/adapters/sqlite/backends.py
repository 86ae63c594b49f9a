"""How the databases of one host are. What is read here grows with what waits, so that it is read in a thread."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from chalicelib.adapters.sqlite.control import ControlDatabase
from chalicelib.adapters.sqlite.database import FULL, Database, fetched
from chalicelib.adapters.sqlite.feed_position import position_of
from chalicelib.adapters.sqlite.folder import StateFolder
from chalicelib.adapters.sqlite.mail_schema import MailDatabase
from chalicelib.domain.errors import OutOfSpace
from chalicelib.domain.statistics import Counts
from chalicelib.ports.backends import Backends, Probe, QueueLoad
from chalicelib.ports.clock import Clock

if TYPE_CHECKING:
    import apsw

_COUNTED = (
    "SELECT each.key, sum(each.value) FROM counters, json_each(counts) AS each"
    " WHERE period = 'day' GROUP BY each.key"
)
# A server at a time, found without a look at the counters of all others.
_POSTED = (
    "WITH RECURSIVE of(server) AS (SELECT min(server) FROM group_counts UNION ALL"
    " SELECT (SELECT min(server) FROM group_counts WHERE server > of.server) FROM of"
    " WHERE of.server IS NOT NULL)"
    " SELECT each.key, sum(each.value) FROM of CROSS JOIN group_counts AS counted"
    " CROSS JOIN json_each(counted.counts) AS each WHERE counted.server = of.server"
    " AND counted.dimension = 'webhook' AND counted.period = 'day' GROUP BY each.key"
)
_QUEUED = "SELECT pool, count(*), min(visible_at) FROM queue GROUP BY pool ORDER BY pool"
_DEAD = "SELECT count(*) FROM queue WHERE receives >= 20"
_UNTOLD = "SELECT at FROM events WHERE seq > ? ORDER BY seq LIMIT 1"


class SqliteBackends(Backends):
    """The `Backends` port over mail.db and control.db."""

    def __init__(
        self, folder: StateFolder, mail: MailDatabase, control: ControlDatabase, clock: Clock
    ) -> None:
        self._folder = folder
        self._mail = mail
        self._databases: dict[str, Database] = {
            "mail_database": mail,
            "control_database": control,
        }
        self._clock = clock

    def probes(self) -> Mapping[str, Probe]:
        """A database is well if it can make a transaction durable now."""

        def touching(database: Database) -> Probe:
            return lambda: database.write(touch)

        found = {name: touching(database) for name, database in self._databases.items()}
        return {**found, "space": self._has_space}

    async def queues(self) -> Sequence[QueueLoad]:
        """Counted."""
        rows = await self._read(_QUEUED)
        now = self._clock.now()
        return [QueueLoad(pool, count, max(0.0, now - oldest)) for pool, count, oldest in rows]

    async def dead_letters(self) -> int:
        """Counted."""
        ((count,),) = await self._read(_DEAD)
        return int(count)

    async def outbox_lag(self) -> float:
        """Since the first event behind the position."""
        rows = self._mail.read(lambda db: fetched(db, _UNTOLD, (position_of(db),)))
        return max(0.0, self._clock.now() - rows[0][0]) if rows else 0.0

    def clock_ahead(self) -> None:
        """All is on this host."""

    async def without_past(self) -> Sequence[str] | None:
        """Backups are copies (`posthorn backups`)."""
        return None

    async def counted(self) -> Counts:
        """The sums of all days."""
        return {str(name): int(count) for name, count in await self._read(_COUNTED)}

    async def posted(self) -> Counts:
        """The sums of all days."""
        return {str(name): int(count) for name, count in await self._read(_POSTED)}

    async def _has_space(self) -> None:
        if self._folder.is_full:
            raise OutOfSpace(FULL)

    async def _read(self, statement: str) -> list[Any]:
        return await asyncio.to_thread(self._mail.read, lambda db: fetched(db, statement))


def touch(db: apsw.Connection) -> None:
    """Write what is there already: the number of the schema."""
    ((version,),) = fetched(db, "PRAGMA user_version")
    fetched(db, f"PRAGMA user_version={int(version)}")
