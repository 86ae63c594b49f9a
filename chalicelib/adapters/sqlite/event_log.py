"""What happened at each server during the last day, in mail.db: packs in the order of their commits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.mail_schema import MailDatabase
from chalicelib.adapters.storage.log_pages import (
    MOST_LOOKS,
    PACKS,
    SLACK_SECONDS,
    Reading,
    parse_position,
)
from chalicelib.adapters.storage.packs import KEPT_SECONDS, SOURCE_KEPT_SECONDS, packs, read_pack
from chalicelib.adapters.storage.sequences import sortable
from chalicelib.domain.errors import Rejected
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.occurrence import EventType
from chalicelib.ports.clock import Clock
from chalicelib.ports.event_log import EventLog, LogPage, Numbered

if TYPE_CHECKING:
    import apsw

_LAST = "SELECT last FROM pack_sources WHERE server = ? AND source = ?"
_TAKE = "INSERT OR REPLACE INTO pack_sources VALUES (?, ?, ?, ?)"
_PACK = "INSERT INTO packs(server, keep_until, occurrences) VALUES (?, ?, ?)"
_PAGE = (
    "SELECT seq, occurrences FROM packs WHERE server = ? AND seq >= ? AND keep_until > ?"
    " ORDER BY seq LIMIT ?"
)
_BEGIN = ("0", 0)
_MOST_DIGITS = 18


class SqliteEventLog(EventLog):
    """The `EventLog` port over mail.db."""

    def __init__(self, database: MailDatabase, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def append(self, source: str, server: ServerId, numbered: Sequence[Numbered]) -> None:
        """Keep a row with what was not taken yet, and the last number beside; see the port."""
        numbers = [sortable(one.sequence) for one in numbered]
        keep_until = int(self._clock.now()) + KEPT_SECONDS

        def append(db: apsw.Connection) -> None:
            rows = fetched(db, _LAST, (server, source))
            last = rows[0][0] if rows else ""
            both = zip(numbers, numbered, strict=True)
            fresh = [one.occurrence for number, one in both if number > last]
            if fresh:
                for pack in packs(fresh):
                    db.execute(_PACK, (server, keep_until, pack))
                db.execute(_TAKE, (server, source, numbers[-1], keep_until + SOURCE_KEPT_SECONDS))

        await self._database.write(append)

    async def page(
        self,
        server: ServerId,
        *,
        position: str | None = None,
        since: float | None = None,
        kind: EventType | None = None,
        limit: int,
    ) -> LogPage:
        """The entries after a position; see the port."""
        begin = _BEGIN if position is None else parse_position(server, position)
        reading = Reading(server, begin, since, kind, limit)
        kept_until = self._clock.now()
        if since is not None:
            kept_until = max(kept_until, since - SLACK_SECONDS + KEPT_SECONDS)
        for _ in range(MOST_LOOKS):
            wanted: tuple[Any, ...] = (server, _number(reading.pack), kept_until, PACKS + 1)
            rows = self._database.read(lambda db, wanted=wanted: fetched(db, _PAGE, wanted))  # type: ignore[misc]
            for seq, pack in rows[:PACKS]:
                if not reading.take(str(seq), read_pack(server, pack)):
                    return reading.page(has_more=True)
            if len(rows) <= PACKS:
                return reading.page(has_more=False)
        return reading.page(has_more=True)


def _number(pack: str) -> int:
    if not pack.isdecimal() or not pack.isascii() or len(pack) > _MOST_DIGITS:
        raise Rejected("The cursor is not one of this list")
    return int(pack)
