"""What is over is removed, a few rows at a time, so that nobody waits for it, and its space given back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.adapters.sqlite.control import ControlDatabase
from chalicelib.adapters.sqlite.database import Database, fetched
from chalicelib.adapters.sqlite.feed_position import position_of
from chalicelib.adapters.sqlite.limits import ANSWER_KEPT_SECONDS
from chalicelib.adapters.sqlite.mail_schema import MailDatabase
from chalicelib.adapters.sqlite.search_schema import SearchDatabase

if TYPE_CHECKING:
    import apsw

ROWS = 100
PAGES = 100
# Each removes at most `:rows`; that a message is new, or what was done with it, is of no use once every consumer knows.
_OVER = (
    "DELETE FROM events WHERE seq IN (SELECT seq FROM events"
    " WHERE keep_until <= :now AND seq <= :position LIMIT :rows)",
    "DELETE FROM events WHERE seq IN"
    " (SELECT seq FROM events INDEXED BY by_new WHERE kind = 'new' AND seq <= :position LIMIT :rows)",
    "DELETE FROM events WHERE seq IN (SELECT seq FROM events INDEXED BY by_operation"
    " WHERE kind = 'operation' AND seq <= :position LIMIT :rows)",
    "DELETE FROM events WHERE seq IN (SELECT seq FROM events INDEXED BY by_told"
    " WHERE kind IN ('mark', 'report') AND seq <= :position LIMIT :rows)",
    "DELETE FROM packs WHERE seq IN (SELECT seq FROM packs WHERE keep_until <= :now LIMIT :rows)",
    "DELETE FROM pack_sources WHERE (server, source) IN"
    " (SELECT server, source FROM pack_sources WHERE keep_until <= :now LIMIT :rows)",
    "DELETE FROM links WHERE key IN (SELECT key FROM links WHERE keep_until <= :now LIMIT :rows)",
    "DELETE FROM unsubscribes WHERE key IN"
    " (SELECT key FROM unsubscribes WHERE keep_until <= :now LIMIT :rows)",
    "DELETE FROM imported_tokens WHERE (server, token) IN"
    " (SELECT server, token FROM imported_tokens WHERE keep_until <= :now LIMIT :rows)",
    "DELETE FROM suppressions WHERE (server, rcpt_key) IN"
    " (SELECT server, rcpt_key FROM suppressions WHERE keep_until <= :now LIMIT :rows)",
    "DELETE FROM jobs WHERE (server, id) IN"
    " (SELECT server, id FROM jobs WHERE keep_until <= :now LIMIT :rows)",
    "DELETE FROM job_pieces WHERE (server, job, piece) IN"
    " (SELECT server, job, piece FROM job_pieces WHERE keep_until <= :now LIMIT :rows)",
    "DELETE FROM answers WHERE (server, name) IN"
    " (SELECT server, name FROM answers WHERE started_at <= :answered LIMIT :rows)",
    "DELETE FROM limit_counts WHERE (owner, period, slot) IN (SELECT owner, period, slot"
    " FROM limit_counts WHERE keep_until <= :now LIMIT :rows)",
    "DELETE FROM rates WHERE name IN (SELECT name FROM rates WHERE keep_until <= :now LIMIT :rows)",
    "DELETE FROM greylist WHERE name IN"
    " (SELECT name FROM greylist WHERE keep_until <= :now LIMIT :rows)",
    "DELETE FROM webhook_deliveries WHERE rowid IN"
    " (SELECT rowid FROM webhook_deliveries WHERE keep_until <= :now LIMIT :rows)",
    "DELETE FROM group_counts WHERE (server, dimension, period, start, value) IN (SELECT server, dimension, period,"
    " start, value FROM group_counts WHERE keep_until <= :now LIMIT :rows)",
    "DELETE FROM counters WHERE (server, period, start, source) IN"
    " (SELECT server, period, start, source FROM counters WHERE keep_until <= :now LIMIT :rows)",
)


class Expiry:
    """Removes what is over from mail.db, and gives space of every database back."""

    def __init__(
        self, mail: MailDatabase, control: ControlDatabase, search: SearchDatabase
    ) -> None:
        self._mail = mail
        self._databases: tuple[Database, ...] = (mail, control, search)

    async def step(self, now: float) -> int:
        """Remove at most ROWS rows of each kind, in a transaction a kind; how many went."""
        gone = 0
        for statement in _OVER:
            gone += await self._mail.write(lambda db, text=statement: _remove(db, text, now))  # type: ignore[misc]
        return gone

    async def give_back_space(self) -> None:
        """Let each file shrink by at most PAGES pages."""
        for database in self._databases:
            await database.write(lambda db: fetched(db, f"PRAGMA incremental_vacuum({PAGES})"))


def _remove(db: apsw.Connection, statement: str, now: float) -> int:
    wanted = {
        "now": now,
        "answered": now - ANSWER_KEPT_SECONDS,
        "position": position_of(db),
        "rows": ROWS,
    }
    fetched(db, statement, {name: one for name, one in wanted.items() if f":{name}" in statement})
    return db.changes()
