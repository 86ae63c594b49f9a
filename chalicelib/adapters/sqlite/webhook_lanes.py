"""Lanes of webhooks in mail.db. A lane is due when it was woken, or else when whoever holds it must have died."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Any

from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.mail_schema import MailDatabase
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.webhooks.lane import Lane, LaneJob
from chalicelib.ports.clock import Clock
from chalicelib.ports.webhook_lanes import WebhookLanes

_WAKE = (
    "INSERT INTO webhook_lanes(server, webhook, due_at) VALUES (?, ?, ?)"
    " ON CONFLICT DO UPDATE SET due_at = min(coalesce(due_at, excluded.due_at), excluded.due_at)"
)
_LANE = "owner, until, failing_since, is_slow"
_GET = f"SELECT {_LANE} FROM webhook_lanes WHERE server = ? AND webhook = ?"
# While it is held it is due at the end of that: then its holder has died.
_CLAIM = (
    "INSERT INTO webhook_lanes(server, webhook, owner, until, due_at)"
    " VALUES (:server, :webhook, :owner, :until, :until) ON CONFLICT DO UPDATE"
    " SET owner = :owner, until = :until, due_at = :until WHERE webhook_lanes.until <= :now OR owner = :owner"
)
_OURS = "WHERE server = :server AND webhook = :webhook AND owner = :owner AND until = :before"
_EXTEND = (
    "UPDATE webhook_lanes SET due_at = CASE WHEN due_at = until THEN :until ELSE due_at END, until = :until"
    f" {_OURS} RETURNING 1"
)
# Woken while it was held, it stays so.
_LET_GO = (
    "UPDATE webhook_lanes SET owner = '', until = 0, failing_since = :failing_since, is_slow = :is_slow, due_at ="
    " CASE WHEN due_at = until THEN :due_at ELSE min(due_at, coalesce(:due_at, due_at)) END"
    f" {_OURS} RETURNING 1"
)
_FORGET = (
    "UPDATE webhook_lanes SET failing_since = NULL, is_slow = 0 WHERE server = ? AND webhook = ?"
)
_DUE = "SELECT server, webhook, is_slow FROM webhook_lanes WHERE due_at <= ? AND until <= ? ORDER BY due_at LIMIT ?"
_CLEAR = "UPDATE webhook_lanes SET due_at = NULL WHERE server = ? AND webhook = ? AND due_at <= ?"
_FREE_ALL = (
    "UPDATE webhook_lanes SET owner = '', until = 0, due_at = min(due_at, ?) WHERE owner > ''"
)
_SOONEST = "SELECT min(due_at) FROM webhook_lanes WHERE due_at IS NOT NULL"
_OLDEST = "SELECT due_at FROM webhook_lanes WHERE due_at IS NOT NULL AND NOT is_slow ORDER BY due_at LIMIT 1"


class LaneBell:
    """Rung in this process when a lane is woken. One task waits for it."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Wake whoever waits."""
        self._rung.set()

    async def wait(self, seconds: float) -> None:
        """Until it is rung, or for so long."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._rung.wait(), seconds)
        self._rung.clear()


class SqliteWebhookLanes(WebhookLanes):
    """The `WebhookLanes` port over mail.db."""

    def __init__(self, database: MailDatabase, clock: Clock, bell: LaneBell) -> None:
        self._database = database
        self._clock = clock
        self._bell = bell

    async def wake(self, jobs: Sequence[LaneJob], at: float = 0) -> None:
        """One transaction."""
        when = max(at, self._clock.now())
        rows = [(one.server_id, one.webhook, when) for one in jobs]
        await self._database.write(lambda db: db.executemany(_WAKE, rows).fetchall())
        self._bell.ring()

    async def get(self, server: ServerId, webhook: str) -> Lane:
        """One read."""
        return _read(
            server, webhook, self._database.read(lambda db: fetched(db, _GET, (server, webhook)))
        )

    async def claim(
        self, server: ServerId, webhook: str, owner: str, now: float, until: float
    ) -> Lane:
        """One transaction."""
        row = {"server": server, "webhook": webhook, "owner": owner, "now": now, "until": until}

        def claim(db: Any) -> list[Any]:
            fetched(db, _CLAIM, row)
            return fetched(db, _GET, (server, webhook))

        return _read(server, webhook, await self._database.write(claim))

    async def extend(self, lane: Lane, until: float) -> bool:
        """Under the condition that it is held."""
        row = _held(lane) | {"until": until}
        return bool(await self._database.write(lambda db: fetched(db, _EXTEND, row)))

    async def let_go(self, lane: Lane, due_at: float | None) -> bool:
        """Under the condition that it is held."""
        row = _held(lane) | {
            "failing_since": lane.failing_since,
            "is_slow": lane.is_slow,
            "due_at": due_at,
        }
        gone = bool(await self._database.write(lambda db: fetched(db, _LET_GO, row)))
        self._bell.ring()
        return gone

    async def forget_failures(self, server: ServerId, webhook: str) -> None:
        """One update."""
        await self._database.write(lambda db: fetched(db, _FORGET, (server, webhook)))

    async def due(self, now: float, limit: int) -> list[LaneJob]:
        """By the index of what is due."""
        rows = self._database.read(lambda db: fetched(db, _DUE, (now, now, limit)))
        return [
            LaneJob(ServerId(server), webhook, bool(is_slow)) for server, webhook, is_slow in rows
        ]

    async def clear_due(self, job: LaneJob, now: float) -> None:
        """One update."""
        row = (job.server_id, job.webhook, now)
        await self._database.write(lambda db: fetched(db, _CLEAR, row))

    async def free_all(self) -> None:
        """Free what anybody holds, to be worked at now: for the one who works at lanes alone, when it begins."""
        now = self._clock.now()
        await self._database.write(lambda db: fetched(db, _FREE_ALL, (now,)))

    def waited(self) -> float:
        """For how many seconds the lane has been due that waits longest; those of receivers that are slow, for which
        an hour is nothing unusual, are left out."""
        rows = self._database.read(lambda db: fetched(db, _OLDEST))
        return max(0.0, self._clock.now() - rows[0][0]) if rows else 0.0

    def soonest(self) -> float | None:
        """When the next lane is due; None when none is."""
        ((at,),) = self._database.read(lambda db: fetched(db, _SOONEST))
        return None if at is None else float(at)


def _held(lane: Lane) -> dict[str, Any]:
    return {
        "server": lane.server_id,
        "webhook": lane.webhook,
        "owner": lane.owner,
        "before": lane.until,
    }


def _read(server: ServerId, webhook: str, rows: list[Any]) -> Lane:
    if not rows:
        return Lane(server, webhook)
    owner, until, failing_since, is_slow = rows[0]
    return Lane(server, webhook, owner, until, failing_since, bool(is_slow))
