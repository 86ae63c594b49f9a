"""First answers by key in mail.db."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.mail_schema import MailDatabase
from chalicelib.domain.numbering import ServerId
from chalicelib.ports.idempotency import (
    Claimed,
    IdempotencyClaim,
    IdempotencyKeys,
    KeptAnswer,
)

if TYPE_CHECKING:
    import apsw

ANSWER_KEPT_SECONDS = 86_400
CLAIM_OPEN_SECONDS = 60

_ANSWER = "SELECT fingerprint, started_at, status, body FROM answers WHERE server = ? AND name = ?"
_BEGIN = "INSERT OR REPLACE INTO answers(server, name, fingerprint, started_at) VALUES (?, ?, ?, ?)"
_COMPLETE = (
    "UPDATE answers SET status = ?, body = ? WHERE server = ? AND name = ? AND status IS NULL"
)
_ANSWERED = (
    "SELECT name, fingerprint, started_at, status, body FROM answers"
    " WHERE server = ? AND status IS NOT NULL AND started_at > ? ORDER BY name"
)
_KEEP = "INSERT OR REPLACE INTO answers(server, name, fingerprint, started_at, status, body) VALUES (?, ?, ?, ?, ?, ?)"
_ABANDON = "DELETE FROM answers WHERE server = ? AND name = ? AND status IS NULL"


class SqliteIdempotencyKeys(IdempotencyKeys):
    """The `IdempotencyKeys` port over mail.db."""

    def __init__(self, database: MailDatabase) -> None:
        self._database = database

    async def begin(
        self, server: ServerId, key: str, fingerprint: str, now: float
    ) -> IdempotencyClaim:
        """Claim a key for a request; see the port."""
        return await self._database.write(lambda db: _begin(db, server, key, fingerprint, now))

    async def complete(self, server: ServerId, key: str, status: int, body: str) -> None:
        """Keep the first answer; a later one changes nothing."""
        row = (status, body, server, key)
        await self._database.write(lambda db: fetched(db, _COMPLETE, row))

    async def abandon(self, server: ServerId, key: str) -> None:
        """Give an open claim back."""
        await self._database.write(lambda db: fetched(db, _ABANDON, (server, key)))

    async def all(self, server: ServerId, now: float) -> list[KeptAnswer]:
        """The answers of a server, by key."""
        wanted = (server, now - ANSWER_KEPT_SECONDS)
        rows = self._database.read(lambda db: fetched(db, _ANSWERED, wanted))
        return [KeptAnswer(*row) for row in rows]

    async def keep(self, server: ServerId, answers: Sequence[KeptAnswer]) -> None:
        """Have answers that were given elsewhere."""
        rows = [(server, one.key, one.fingerprint, one.at, one.status, one.body) for one in answers]
        await self._database.write(lambda db: db.executemany(_KEEP, rows).fetchall())


def _begin(
    db: apsw.Connection, server: ServerId, key: str, fingerprint: str, now: float
) -> IdempotencyClaim:
    for known, started_at, status, body in fetched(db, _ANSWER, (server, key)):
        if started_at + ANSWER_KEPT_SECONDS <= now:
            continue
        if known != fingerprint:
            return IdempotencyClaim(Claimed.OTHER_BODY)
        if status is not None:
            return IdempotencyClaim(Claimed.REPLAY, status, body)
        if started_at + CLAIM_OPEN_SECONDS > now:
            return IdempotencyClaim(Claimed.IN_FLIGHT)
    fetched(db, _BEGIN, (server, key, fingerprint, now))
    return IdempotencyClaim(Claimed.STARTED)
