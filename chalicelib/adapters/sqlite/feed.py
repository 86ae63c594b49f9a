"""What happens to messages, read from the log of mail.db in the order of its commits: the feed of the outbox.

There is one source. A consumer's position is where it has read to; it is kept, and what was read after it is read
again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.engagement import KIND_OF, is_first_of_person
from chalicelib.adapters.sqlite.feed_position import CONSUMER, position_of
from chalicelib.adapters.sqlite.mail_schema import MailDatabase, ids_of
from chalicelib.adapters.sqlite.search_schema import READ, SearchDatabase, note
from chalicelib.adapters.storage.beside import change_of, parse_beside
from chalicelib.domain.changes import (
    Change,
    HitAdded,
    LogEntry,
    Mark,
    Marked,
    Operated,
    Reported,
)
from chalicelib.domain.json_values import parse_value
from chalicelib.domain.model import Scope, Status
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.operations import parse_operation
from chalicelib.domain.report import Report
from chalicelib.domain.traits import UNKNOWN, Traits, traits

if TYPE_CHECKING:
    import apsw

SOURCE = "mail"
MOST_READ = 1_000
BROUGHT = "moved"  # the name of what happened elsewhere, and was told of there
_MOVE = "INSERT OR REPLACE INTO positions VALUES (?, ?)"
_EVENTS = (
    "SELECT seq, key, kind, at, d_status, scope, events.operation, received_at, d_id, d_report, scheduled_at, detail,"
    " hit, firsts, d_cause, tag, rcpt_to, stream, credential_id, mail_from, provider,"
    " coalesce(replay, arrival), events.name"
    " FROM events LEFT JOIN messages USING (key) WHERE seq > ? ORDER BY seq LIMIT ?"
)
# Calling an enumeration takes ten times as long.
_SCOPES = {one.value: one for one in Scope}
_STATUSES: dict[str | None, Status] = {one.value: one for one in Status}


class EventFeed:
    """The log as changes."""

    def __init__(self, database: MailDatabase, search: SearchDatabase) -> None:
        self._database = database
        self._search = search

    def read(self) -> tuple[list[Change], int]:
        """The changes after the position, at most MOST_READ, and the position behind them. What is told of messages
        that are gone is left out."""

        def read(db: apsw.Connection) -> tuple[list[Change], int]:
            position = position_of(db)
            rows = fetched(db, _EVENTS, (position, MOST_READ))
            changes = [
                change
                for *row, name in rows
                if name != BROUGHT and (change := _change(row)) is not None
            ]
            return changes, rows[-1][0] if rows else position

        return self._database.read(read)

    def position(self) -> int:
        """Up to which event every consumer has read."""
        return self._database.read(position_of)

    async def move(self, position: int) -> None:
        """Keep the position: nothing up to it is read again. search.db comes first, so that one that is behind is known
        to lack what was told."""
        await self._search.write_if_sound(lambda db: note(db, READ, position))
        await self._database.write(lambda db: fetched(db, _MOVE, (CONSUMER, position)))


def _change(row: Sequence[Any]) -> Change | None:
    """What a row of _EVENTS tells; what it has of its message is None when that is gone."""
    sequence, key, kind, at, status, scope, operation, accepted_at, *rest = row
    delivery, report, scheduled_at, detail, hit, firsts, cause, *told_of = rest
    number = str(sequence)
    server, message = ids_of(key)
    known = _traits(scope, told_of)
    if kind in KIND_OF:
        is_first = is_first_of_person(hit)
        return HitAdded(number, server, KIND_OF[kind], at, message, number, is_first, known)
    if operation is not None:
        return Operated(number, server, message, parse_operation(operation), known)
    if kind in _TOLD and detail is not None:
        return _TOLD[kind](number, server, message, at, detail, known)
    if scope is None:
        return None
    told = _STATUSES.get(status)
    return LogEntry(
        number,
        server,
        message,
        _SCOPES[scope],
        told,
        at,
        accepted_at,
        delivery,
        report,
        scheduled_at,
        detail,
        firsts or 0,
        cause,
        known,
    )


def _traits(scope: str | None, told: Sequence[Any]) -> Traits:
    """Those of the message of a row."""
    if scope is None:
        return UNKNOWN
    tag, rcpt_to, stream, credential, mail_from, provider, way = told
    route = json.loads(way).get("route_id") if way is not None else None
    return traits(scope, tag, rcpt_to, stream, credential, mail_from, route, provider)


def _marked(  # one signature for every kind
    number: str, server: ServerId, message: MessageId, at: float, detail: str, known: Traits
) -> Change:
    mark, told = json.loads(detail)
    return Marked(number, server, message, Mark(mark), at, told, known)


def _reported(
    number: str, server: ServerId, message: MessageId, at: float, detail: str, known: Traits
) -> Change:
    return Reported(number, server, parse_value(Report, detail), known)


def _told_beside(
    number: str, server: ServerId, message: MessageId, at: float, detail: str, known: Traits
) -> Change:
    return change_of(number, parse_beside(server, detail))


_TOLD = {"mark": _marked, "report": _reported, "event": _told_beside}
