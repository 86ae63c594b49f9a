"""Forgetting a server on one host: rows a few at a time, bodies overwritten before the rows that name them go.

A body that no row names, because a process died between the two, goes with its day.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.mail_index import SqliteMailIndex
from chalicelib.adapters.sqlite.mail_schema import MailDatabase, key_of
from chalicelib.adapters.sqlite.segments import Segments
from chalicelib.adapters.sqlite.uploads import UPLOADS, Uploads
from chalicelib.domain.model import BlobRef
from chalicelib.domain.numbering import ServerId
from chalicelib.ports.purge import ServerPurge

if TYPE_CHECKING:
    import apsw

ROWS = 200
_OURS = "key >= :low AND key < :high"
_MESSAGES = f"SELECT key, blob FROM messages WHERE {_OURS} LIMIT :rows"
# Found by readers, since no index leads to them; then removed by their numbers.
_FOUND = (
    (
        "DELETE FROM queue WHERE id IN (SELECT value FROM json_each(?))",
        f"SELECT id FROM queue WHERE {_OURS} LIMIT :rows",
    ),
    (
        "DELETE FROM events WHERE seq IN (SELECT value FROM json_each(?))",
        f"SELECT seq FROM events INDEXED BY by_new WHERE kind = 'new' AND {_OURS} LIMIT :rows",
    ),
    (
        "DELETE FROM events WHERE seq IN (SELECT value FROM json_each(?))",
        "SELECT seq FROM events INDEXED BY by_told"
        f" WHERE kind IN ('mark', 'report') AND {_OURS} LIMIT :rows",
    ),
)
_REMOVED = (
    "DELETE FROM events WHERE seq IN (SELECT seq FROM events INDEXED BY by_message"
    f" WHERE kind = 'delivery' AND {_OURS} LIMIT :rows)",
    "DELETE FROM events WHERE seq IN (SELECT seq FROM events INDEXED BY by_hit"
    f" WHERE kind IN ('open', 'click') AND {_OURS} LIMIT :rows)",
    "DELETE FROM events WHERE seq IN (SELECT seq FROM events INDEXED BY by_name"
    f" WHERE kind = 'event' AND {_OURS} LIMIT :rows)",
    "DELETE FROM content_days WHERE (server, day) IN"
    " (SELECT server, day FROM content_days WHERE server = :server LIMIT :rows)",
    "DELETE FROM packs WHERE seq IN (SELECT seq FROM packs WHERE server = :server LIMIT :rows)",
    "DELETE FROM pack_sources WHERE (server, source) IN"
    " (SELECT server, source FROM pack_sources WHERE server = :server LIMIT :rows)",
    f"DELETE FROM reports WHERE key IN (SELECT key FROM reports WHERE {_OURS} LIMIT :rows)",
    f"DELETE FROM unsubscribes WHERE key IN (SELECT key FROM unsubscribes WHERE {_OURS} LIMIT :rows)",
    f"DELETE FROM links WHERE key IN (SELECT key FROM links WHERE {_OURS} LIMIT :rows)",
    "DELETE FROM imported_tokens WHERE (server, token) IN"
    " (SELECT server, token FROM imported_tokens WHERE server = :server LIMIT :rows)",
    "DELETE FROM suppressions WHERE (server, rcpt_key) IN"
    " (SELECT server, rcpt_key FROM suppressions WHERE server = :server LIMIT :rows)",
    "DELETE FROM jobs WHERE (server, id) IN"
    " (SELECT server, id FROM jobs WHERE server = :server LIMIT :rows)",
    "DELETE FROM job_pieces WHERE (server, job, piece) IN"
    " (SELECT server, job, piece FROM job_pieces WHERE server = :server LIMIT :rows)",
    "DELETE FROM answers WHERE (server, name) IN"
    " (SELECT server, name FROM answers WHERE server = :server LIMIT :rows)",
    "DELETE FROM limit_standing WHERE (owner, period, at, key) IN"
    f" (SELECT owner, period, at, key FROM limit_standing WHERE {_OURS} LIMIT :rows)",
    "DELETE FROM limit_standing WHERE (owner, period, at, key) IN"
    " (SELECT owner, period, at, key FROM limit_standing WHERE owner = :limit_owner LIMIT :rows)",
    *(
        f"DELETE FROM {table} WHERE owner = :limit_owner"
        " OR (owner > :credentials AND owner < :after_credentials)"
        " OR (owner > :streams AND owner < :after_streams)"
        for table in ("limit_counts", "limit_lines")
    ),
    "DELETE FROM webhook_deliveries WHERE rowid IN"
    " (SELECT rowid FROM webhook_deliveries WHERE server = :server LIMIT :rows)",
    "DELETE FROM webhook_lanes WHERE (server, webhook) IN"
    " (SELECT server, webhook FROM webhook_lanes WHERE server = :server LIMIT :rows)",
    "DELETE FROM group_counts WHERE (server, dimension, period, start, value) IN"
    " (SELECT server, dimension, period, start, value FROM group_counts WHERE server = :server LIMIT :rows)",
    "DELETE FROM group_sources WHERE (server, source) IN"
    " (SELECT server, source FROM group_sources WHERE server = :server LIMIT :rows)",
    "DELETE FROM counters WHERE (server, period, start, source) IN"
    " (SELECT server, period, start, source FROM counters WHERE server = :server LIMIT :rows)",
)
_NUMBERS = "DELETE FROM numbers WHERE server = :server"


class SqliteServerPurge(ServerPurge):
    """The `ServerPurge` port over mail.db, search.db, segments and uploads."""

    def __init__(
        self,
        database: MailDatabase,
        segments: Segments,
        uploads: Uploads,
        index: SqliteMailIndex,
    ) -> None:
        self._index = index
        self._database = database
        self._segments = segments
        self._uploads = uploads

    async def step(self, server: ServerId, shards: int) -> int:
        """At most ROWS rows of each kind, a transaction a kind; the numbers when all else is gone."""
        wanted: dict[str, Any] = {"server": server, "rows": ROWS}
        # The names of its limits' owners (`LimitOwner`); `0` comes after `/`.
        wanted |= {"limit_owner": f"s{server}" if server > 0 else f"o{-server}"}
        wanted |= {"credentials": f"c{server}/", "after_credentials": f"c{server}0"}
        wanted |= {"streams": f"s{server}/", "after_streams": f"s{server}0"}
        wanted |= {"low": key_of(server, 0), "high": key_of(ServerId(server + 1), 0)}
        gone = await self._messages(wanted)
        for statement, question in _FOUND:
            gone += await self._found(statement, question, wanted)
        for statement in _REMOVED:
            gone += await self._removed(statement, wanted)
        gone += await asyncio.to_thread(self._uploads.remove_of, f"{UPLOADS}{server}/")
        gone += await self._index.forget_server(server)
        return gone or await self._removed(_NUMBERS, wanted)

    async def _messages(self, wanted: dict[str, Any]) -> int:
        rows = self._database.read(lambda db: _rows(db, _MESSAGES, wanted))
        bodies = {BlobRef(*json.loads(blob)) for _, blob in rows}
        await asyncio.to_thread(self._segments.erase, bodies)
        keys = json.dumps([key for key, _ in rows])
        gone = "DELETE FROM messages WHERE key IN (SELECT value FROM json_each(?))"
        return await self._database.write(lambda db: _changed(db, gone, (keys,))) if rows else 0

    async def _found(self, statement: str, question: str, wanted: dict[str, Any]) -> int:
        rows = self._database.read(lambda db: _rows(db, question, wanted))
        ids = json.dumps([one for (one,) in rows])
        return await self._database.write(lambda db: _changed(db, statement, (ids,))) if rows else 0

    async def _removed(self, statement: str, wanted: dict[str, Any]) -> int:
        named = _named(statement, wanted)
        return await self._database.write(lambda db: _changed(db, statement, named))


def _rows(db: apsw.Connection, statement: str, wanted: dict[str, Any]) -> list[Any]:
    return fetched(db, statement, _named(statement, wanted))


def _changed(db: apsw.Connection, statement: str, wanted: Any) -> int:
    """How many rows a statement removed."""
    fetched(db, statement, wanted)
    return db.changes()


def _named(statement: str, wanted: dict[str, Any]) -> dict[str, Any]:
    return {name: one for name, one in wanted.items() if f":{name}" in statement}
