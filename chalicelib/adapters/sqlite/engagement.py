"""Links of tracked messages, opens and clicks in mail.db. What is over is not shown, whenever it is removed."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.mail_schema import MailDatabase, key_of
from chalicelib.domain.engagement import EngagementEvent, EngagementKind
from chalicelib.domain.errors import NotFound, PermanentFailure
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.ports.clock import Clock
from chalicelib.ports.engagement import Engagement

if TYPE_CHECKING:
    import apsw

LARGEST_LINKS = 300_000

KEEP_LINKS = "INSERT OR REPLACE INTO links VALUES (?, ?, ?)"
_LINKS = "SELECT packed FROM links WHERE key = ? AND keep_until > ?"
HIT = "INSERT INTO events(key, kind, at, keep_until, hit) VALUES (?, ?, ?, ?, ?)"
_OPENED = "UPDATE messages SET opened_at = coalesce(opened_at, ?) WHERE key = ?"
_CLICKED = "UPDATE messages SET clicked_at = max(coalesce(clicked_at, 0), ?) WHERE key = ?"
_OPENED_BY_PERSON = (
    "UPDATE messages SET person_opened_at = ? WHERE key = ? AND person_opened_at IS NULL"
    " RETURNING 1"
)
_CLICKED_BY_PERSON = (
    "UPDATE messages SET person_clicked_at = ? WHERE key = ? AND person_clicked_at IS NULL"
    " RETURNING 1"
)
_BY_PERSON = {
    EngagementKind.OPEN: _OPENED_BY_PERSON,
    EngagementKind.CLICK: _CLICKED_BY_PERSON,
}
_NEWEST = (
    "SELECT kind, at, hit FROM events WHERE kind IN ('open', 'click') AND key = ? AND keep_until > ?"
    " ORDER BY at DESC, seq DESC LIMIT ?"
)
_NAMED = (
    "SELECT seq, events.key, kind, at, hit FROM json_each(?) CROSS JOIN events ON seq = value"
    " WHERE kind IN ('open', 'click') AND keep_until > ?"
)
_KINDS = {EngagementKind.OPEN: "open", EngagementKind.CLICK: "click"}
_OF_THE_HIT = 4  # values of a row's JSON
KIND_OF = {name: kind for kind, name in _KINDS.items()}


class SqliteEngagement(Engagement):
    """The `Engagement` port over mail.db."""

    def __init__(self, database: MailDatabase, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def keep_links(
        self, server: ServerId, message: MessageId, links: Sequence[str], keep_until: int
    ) -> None:
        """Store what links point to, compressed; PermanentFailure when they are too long."""
        row = links_row(server, message, links, keep_until)
        await self._database.write(lambda db: fetched(db, KEEP_LINKS, row))

    async def link(self, server: ServerId, message: MessageId, number: int) -> str:
        """What link `number` points to; NotFound."""
        wanted = (key_of(server, message), self._clock.now())
        rows = self._database.read(lambda db: fetched(db, _LINKS, wanted))
        links = read_links(rows[0][0]) if rows else ()
        if not 1 <= number <= len(links):
            raise NotFound("There is no such link")
        return links[number - 1]

    async def record(
        self, server: ServerId, message: MessageId, hit: EngagementEvent, keep_until: int
    ) -> None:
        """Keep a hit, and note it on the message. The row of the first of its kind by a person says so."""
        key = key_of(server, message)

        def record(db: apsw.Connection) -> None:
            is_first = not hit.automatic and bool(fetched(db, _BY_PERSON[hit.kind], (hit.at, key)))
            fetched(db, HIT, hit_row(server, message, hit, keep_until, is_first=is_first))
            note = _OPENED if hit.kind is EngagementKind.OPEN else _CLICKED
            fetched(db, note, (hit.at, key))

        await self._database.write(record)

    async def hits(
        self, server: ServerId, message: MessageId, most: int = 1_000
    ) -> tuple[EngagementEvent, ...]:
        """The newest hits on a message, oldest first."""
        wanted = (key_of(server, message), self._clock.now(), most)
        rows = self._database.read(lambda db: fetched(db, _NEWEST, wanted))
        return tuple(map(read_hit, reversed(rows)))

    async def named(
        self, server: ServerId, names: Sequence[tuple[MessageId, str]]
    ) -> dict[tuple[MessageId, str], EngagementEvent]:
        """One statement; see the port."""
        asked = json.dumps([int(name) for _, name in names])
        now = self._clock.now()
        rows = self._database.read(lambda db: fetched(db, _NAMED, (asked, now)))
        found = {(key, str(seq)): read_hit(row) for seq, key, *row in rows}
        keys = ((key_of(server, message), name) for message, name in names)
        return {one: found[key] for one, key in zip(names, keys, strict=True) if key in found}


def links_row(
    server: ServerId, message: MessageId, links: Sequence[str], keep_until: int
) -> tuple[int, int, bytes]:
    """A row of the links of a message; PermanentFailure when they are too long."""
    packed = zlib.compress(json.dumps(list(links), ensure_ascii=False).encode())
    if len(packed) > LARGEST_LINKS:
        raise PermanentFailure("The links of this message are too long to be tracked")
    return key_of(server, message), keep_until, packed


def read_links(packed: bytes) -> tuple[str, ...]:
    """What the links of a row point to."""
    return tuple(json.loads(zlib.decompress(packed)))


def hit_row(
    server: ServerId,
    message: MessageId,
    hit: EngagementEvent,
    keep_until: int,
    *,
    is_first: bool = False,
) -> tuple[int, str, float, int, str]:
    """The values of HIT."""
    told = [hit.address, hit.user_agent, hit.url, hit.automatic]
    if is_first:
        told.append(True)
    return key_of(server, message), _KINDS[hit.kind], hit.at, keep_until, json.dumps(told)


def read_hit(row: Sequence[Any]) -> EngagementEvent:
    """The open or click of a row's kind, time and hit."""
    kind, at, told = row
    return EngagementEvent(KIND_OF[kind], at, *json.loads(told)[:_OF_THE_HIT])


def is_first_of_person(told: str | None) -> bool:
    """Whether a row's hit was the first of its kind by a person."""
    return told is not None and len(json.loads(told)) > _OF_THE_HIT
