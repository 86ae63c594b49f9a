"""Suppressed recipients in mail.db. What is told of a change is stored in its transaction.

A list is found by its owner in the column `server`, which is below zero for an organization.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.happenings import note
from chalicelib.adapters.sqlite.mail_schema import MailDatabase
from chalicelib.adapters.storage.suppressed import (
    Found,
    asked_of,
    first_of,
    key_of_entry,
    key_of_name,
    keys_of_address,
    places_of,
    together,
)
from chalicelib.domain.deeds import Beside
from chalicelib.domain.erasure import HASHED, is_hashed
from chalicelib.domain.errors import Rejected
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.paging import Page
from chalicelib.domain.suppression import (
    Asked,
    Change,
    Name,
    Suppression,
    SuppressionFilter,
    acting_on,
    scope_of,
)
from chalicelib.ports.suppressions import SuppressionList

if TYPE_CHECKING:
    import apsw

_FIELDS = "address, reason, at, keep_until, email, report, stream, note, created_by"
_THESE = (
    f"SELECT server, rcpt_key, {_FIELDS} FROM json_each(?)"
    " CROSS JOIN suppressions ON server = value ->> 0 AND rcpt_key = value ->> 1"
    " WHERE keep_until > ?"
)
_LIST = (
    f"INSERT OR REPLACE INTO suppressions(server, rcpt_key, {_FIELDS})"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_OF_ADDRESS = (
    f"SELECT {_FIELDS} FROM suppressions"
    " WHERE server = ? AND rcpt_key BETWEEN ? AND ? AND keep_until > ? ORDER BY rcpt_key"
)
_UNLIST = "DELETE FROM suppressions WHERE server = ? AND rcpt_key = ?"
_NEWEST = (
    f"SELECT rcpt_key, {_FIELDS} FROM suppressions INDEXED BY suppressions_by_time"
    " WHERE server = :server AND at <= :at AND at >= :since AND at < :until"
    " AND (at < :at OR (:server, rcpt_key) < (:owner, :key))"
    " ORDER BY at DESC, rcpt_key DESC LIMIT :limit"
)
_WALK = (
    f"SELECT rcpt_key, {_FIELDS} FROM suppressions"
    " WHERE server = ? AND rcpt_key > ? ORDER BY rcpt_key LIMIT ?"
)
_BY_REASON = (
    "SELECT reason, count(*) FROM suppressions WHERE server = ? AND keep_until > ?"
    f" AND rcpt_key NOT GLOB '{HASHED}*' GROUP BY reason"
)
_FIRST = (9e99, 0, "")
_OLDEST, _LATEST = -9e99, 9e99
Position = tuple[float, int, str]


class SqliteSuppressionList(SuppressionList):
    """The `SuppressionList` port over mail.db."""

    def __init__(self, database: MailDatabase) -> None:
        self._database = database

    async def listed(self, asked: Sequence[Asked], now: float) -> dict[Asked, Suppression]:
        """One statement, whatever is asked."""
        wanted = {place for one in asked for named in acting_on(one) for place in places_of(*named)}
        return first_of(asked, self._these(wanted, now)) if wanted else {}

    async def get(
        self, owner: ServerId, names: Sequence[Name], now: float
    ) -> dict[Name, Suppression]:
        """Those of the names that are listed."""
        keys = {name: (owner, key_of_name(name)) for name in names}
        found = self._these(set(keys.values()), now)
        return {name: found[key] for name, key in keys.items() if key in found}

    def _these(
        self, wanted: set[tuple[ServerId, str]], now: float
    ) -> dict[tuple[ServerId, str], Suppression]:
        rows = self._database.read(
            lambda db: fetched(db, _THESE, (json.dumps(sorted(wanted)), now))
        )
        return {(owner, key): _entry(owner, row) for owner, key, *row in rows}

    async def of(self, owner: ServerId, address: str, now: float) -> list[Suppression]:
        """A range of the list by key."""
        wanted = (owner, *keys_of_address(address), now)
        rows = self._database.read(lambda db: fetched(db, _OF_ADDRESS, wanted))
        return [_entry(owner, row) for row in rows]

    async def put(
        self,
        owner: ServerId,
        entry: Suppression,
        before: Suppression | None,
        now: float,
        told: Sequence[Beside] = (),
    ) -> bool:
        """In one transaction with what is told of it."""
        key = key_of_entry(entry)

        def put(db: apsw.Connection) -> bool:
            if _there(db, owner, key, now) != before:
                return False
            fetched(db, _LIST, _row(owner, entry))
            note(db, told, now)
            return True

        return await self._database.write(put)

    async def put_all(self, owner: ServerId, changes: Sequence[Change], now: float) -> set[Name]:
        """All in one transaction, which reads them once."""
        return await self._database.write(lambda db: _put_all(db, owner, changes, now))

    async def remove(
        self, owner: ServerId, before: Suppression, told: Sequence[Beside] = ()
    ) -> bool:
        """In one transaction with what is told of it."""
        key = key_of_entry(before)

        def remove(db: apsw.Connection) -> bool:
            if _there(db, owner, key, _OLDEST) != before:
                return False
            fetched(db, _UNLIST, (owner, key))
            note(db, told, told[0].at if told else 0)
            return True

        return await self._database.write(remove)

    async def page(
        self,
        owners: Sequence[ServerId],
        wanted: SuppressionFilter,
        limit: int,
        now: float,
        position: str | None = None,
    ) -> Page[Suppression]:
        """A range of the index by time of each list."""
        start = _FIRST if position is None else _parse(position)
        if wanted.address is not None:
            few = [
                (owner, one)
                for owner in owners
                for one in await self.of(owner, wanted.address, now)
            ]
            left = [one for one in few if _position(one) < start]
            return Page(together([(left, None)], wanted, len(few) or 1, _position)[0])
        most = asked_of(wanted, limit)
        read = [self._newest(owner, wanted, start, most, now) for owner in owners]
        shown, end = together(read, wanted, limit, _position)
        return Page(shown, None if end is None else json.dumps(end))

    def _newest(
        self,
        owner: ServerId,
        wanted: SuppressionFilter,
        start: Position,
        most: int,
        now: float,
    ) -> tuple[list[Found], Position | None]:
        named = {
            "server": owner,
            "since": _OLDEST if wanted.since is None else wanted.since,
            "until": _LATEST if wanted.until is None else wanted.until,
            **dict(zip(("at", "owner", "key"), start, strict=True)),
            "limit": most,
        }
        rows = self._database.read(lambda db: fetched(db, _NEWEST, named))
        found = [(owner, _entry(owner, row)) for _, *row in rows]
        end = _position(found[-1]) if len(rows) == most else None
        return [one for one in found if _is_shown(one[1], now)], end

    async def walk(
        self, owner: ServerId, limit: int, now: float, position: str | None = None
    ) -> Page[Suppression]:
        """A range of the list by key."""
        wanted = (owner, position or "", limit)
        rows = self._database.read(lambda db: fetched(db, _WALK, wanted))
        entries = (_entry(owner, row) for _, *row in rows)
        last = str(rows[-1][0]) if len(rows) == limit else None
        return Page(tuple(one for one in entries if one.keep_until > now), last)

    async def count(self, owners: Sequence[ServerId], now: float) -> dict[str, int]:
        """A pass over the lists in a thread, so that nobody waits for it."""
        counted: dict[str, int] = {}
        for owner in owners:
            for reason, number in await self._database.aside(partial(self._count, owner, now)):
                counted[reason] = counted.get(reason, 0) + number
        return counted

    def _count(self, owner: ServerId, now: float) -> list[Any]:
        return self._database.read(lambda db: fetched(db, _BY_REASON, (owner, now)))


def _is_shown(entry: Suppression, now: float) -> bool:
    return entry.keep_until > now and not is_hashed(entry.address)


def _there(db: apsw.Connection, owner: ServerId, key: str, now: float) -> Suppression | None:
    rows = fetched(db, _THESE, (json.dumps([(owner, key)]), now))
    return next((_entry(owner, row) for _, _, *row in rows), None)


def _put_all(
    db: apsw.Connection, owner: ServerId, changes: Sequence[Change], now: float
) -> set[Name]:
    keys = [key_of_entry(one.entry) for one in changes]
    rows = fetched(db, _THESE, (json.dumps([(owner, key) for key in keys]), now))
    there = {key: _entry(owner, row) for _, key, *row in rows}
    refused: set[Name] = set()
    put = []
    for key, one in zip(keys, changes, strict=True):
        if there.get(key) != one.before:
            refused.add(one.name)
            continue
        there[key] = one.entry
        put.append(_row(owner, one.entry))
    db.executemany(_LIST, put).fetchall()
    return refused


def _row(owner: ServerId, entry: Suppression) -> tuple[Any, ...]:
    return (
        owner,
        key_of_entry(entry),
        *(entry.address, entry.reason, entry.at, entry.keep_until, entry.email, entry.report),
        *(entry.stream, entry.note, entry.created_by),
    )


def _entry(owner: ServerId, row: Sequence[Any]) -> Suppression:
    address, reason, at, keep_until, email, report, stream, note, created_by = row
    scope = scope_of(owner, stream)
    return Suppression(
        address, reason, at, keep_until, email, report, scope, stream, note, created_by
    )


def _position(found: Found) -> Position:
    owner, entry = found
    return entry.at, owner, key_of_entry(entry)


def _parse(text: str) -> Position:
    try:
        at, owner, key = json.loads(text)
        return float(at), int(owner), str(key)
    except (ValueError, TypeError) as error:
        raise Rejected("The position is not one of this list") from error
