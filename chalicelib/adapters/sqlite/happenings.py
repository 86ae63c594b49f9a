"""What happened beside messages, as rows of the log of mail.db: the feed tells of them with all else.

Each row is kept for a day, so that what is noted again is found to be there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from chalicelib.adapters.sqlite.mail_schema import MailDatabase, key_of
from chalicelib.adapters.storage.beside import render_beside
from chalicelib.domain.deeds import Beside
from chalicelib.domain.occurrence import Occurrence
from chalicelib.ports.clock import Clock
from chalicelib.ports.happenings import Happenings

if TYPE_CHECKING:
    import apsw

KEPT_SECONDS = 86_400
_NOTE = (
    "INSERT INTO events(key, kind, at, keep_until, name, detail) VALUES (?, 'event', ?, ?, ?, ?)"
    " ON CONFLICT DO NOTHING"
)


class SqliteHappenings(Happenings):
    """The `Happenings` port over mail.db."""

    def __init__(self, database: MailDatabase, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def note(self, occurrences: Sequence[Occurrence]) -> None:
        """In one transaction; see the port."""
        now = self._clock.now()
        await self._database.write(lambda db: note(db, occurrences, now))


def note(db: apsw.Connection, told: Sequence[Beside], now: float) -> None:
    """Note what is told in this transaction, with what it tells of."""
    for one in told:
        email = one.email if isinstance(one, Occurrence) else None
        key = key_of(one.server, email or 0)
        keep_until = int(now) + KEPT_SECONDS
        db.execute(_NOTE, (key, one.at, keep_until, one.name, render_beside(one)))
