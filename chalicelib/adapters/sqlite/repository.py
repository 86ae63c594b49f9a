"""The configuration in control.db, made of the declarations of its nouns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar

import apsw

from chalicelib.adapters.sqlite.control import REMEMBERED, ControlDatabase
from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.storage.repository import RowRepository, Rows
from chalicelib.domain.errors import Outdated
from chalicelib.domain.json_values import parse_value, render_value
from chalicelib.domain.tenancy.change import OUTDATED, Change, Verb
from chalicelib.domain.tenancy.entity import Entity, LookUp, Owner, Place
from chalicelib.ports.clock import Clock

T = TypeVar("T")

_GET = "SELECT value FROM nouns WHERE kind = ? AND code = ? AND owner = ? AND name = ?"
_ADD = "INSERT INTO nouns(value, kind, code, owner, name) VALUES (?, ?, ?, ?, ?)"
_CHANGE = "UPDATE nouns SET value = ? WHERE kind = ? AND code = ? AND owner = ? AND name = ?"
_REMOVE = "DELETE FROM nouns WHERE kind = ? AND code = ? AND owner = ? AND name = ?"
_FIND = (
    "SELECT value FROM look_ups l JOIN nouns n ON n.kind = l.kind AND n.code = l.to_code"
    " AND n.owner = l.to_owner AND n.name = l.to_name"
    " WHERE l.kind = ? AND l.look_up = ? AND l.code = ? AND l.owner = ? AND l.name = ?"
)
_FORGET = "DELETE FROM look_ups WHERE kind = ? AND to_code = ? AND to_owner = ? AND to_name = ?"
_LOOK_UP = "INSERT INTO look_ups VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_ROWS = (
    "SELECT name, value FROM nouns WHERE kind = :kind AND code = :code AND owner = :owner"
    " AND name > :after ORDER BY name LIMIT :limit"
)
_LOOKED_UP_ROWS = (
    "SELECT l.name, value FROM look_ups l JOIN nouns n ON n.kind = l.kind AND n.code = l.to_code"
    " AND n.owner = l.to_owner AND n.name = l.to_name"
    " WHERE l.kind = :kind AND l.look_up = :look_up AND l.code = :code AND l.owner = :owner"
    " AND l.name > :after ORDER BY l.name LIMIT :limit"
)
_OWNED = "INSERT OR IGNORE INTO owners VALUES (?, ?)"
_OWNERS = "SELECT owner FROM owners WHERE kind = ? ORDER BY owner"
_NUMBER = "INSERT INTO sequences VALUES (?, 1) ON CONFLICT DO UPDATE SET n = n + 1 RETURNING n"


class SqliteRepository(RowRepository):
    """The `Repository` port over control.db. Reads are always fresh."""

    def __init__(self, database: ControlDatabase, clock: Clock) -> None:
        super().__init__(clock)
        self._database = database

    async def get(self, entity: Entity[T], place: Place, *, fresh: bool = True) -> T:
        """By its place; NotFound."""
        return self._database.read(lambda db: _one(db, entity, _GET, _at(entity, place)))

    async def get_many(
        self, entity: Entity[T], places: Sequence[Place], *, fresh: bool = True
    ) -> dict[Place, T]:
        """Those that exist."""

        def read(db: apsw.Connection) -> dict[Place, T]:
            rows = {place: fetched(db, _GET, _at(entity, place)) for place in places}
            return {place: _value(entity, found) for place, ((found,),) in _some(rows).items()}

        return self._database.read(read)

    async def find(
        self, entity: Entity[T], look_up: LookUp[T], place: Place, *, fresh: bool = True
    ) -> T:
        """By a look-up's place; NotFound."""
        wanted = (entity.word, look_up.code, place.owner.code, place.owner.id, place.name)
        return self._database.read(lambda db: _one(db, entity, _FIND, wanted))

    async def owners(self, entity: Entity[Any]) -> list[str]:
        """Those that ever had one."""
        rows = self._database.read(lambda db: fetched(db, _OWNERS, (entity.word,)))
        return [str(owner) for (owner,) in rows]

    async def _change(self, *changes: Change[Any]) -> None:
        """In one transaction."""

        def make(db: apsw.Connection) -> None:
            for change in changes:
                _make(db, change)

        try:
            await self._database.write(make)
        finally:
            self._tell()

    async def note(self, entity: Entity[T], value: T, **fields: Any) -> None:
        """In the one copy there is."""
        at = _at(entity, entity.place(value))

        def note(db: apsw.Connection) -> None:
            for (text,) in fetched(db, _GET, at):
                known: Any = _value(entity, text)
                db.execute(_CHANGE, (render_value(replace(known, **fields)), *at)).fetchall()

        try:
            await self._database.write(note)
        finally:
            self._tell()

    async def next_number(self, kind: str) -> int:
        """One more than the last."""
        rows = await self._database.write(lambda db: fetched(db, _NUMBER, (kind,)))
        return int(rows[0][0])

    async def _rows(
        self,
        entity: Entity[T],
        look_up: LookUp[T] | None,
        owner: Owner,
        after: str | None = None,
        limit: int | None = None,
        *,
        fresh: bool = True,
    ) -> Rows[T]:
        wanted = {
            "kind": entity.word,
            "look_up": look_up.code if look_up else None,
            "code": owner.code,
            "owner": owner.id,
            "after": "" if after is None else after,
            "limit": -1 if limit is None else limit,
        }
        statement = _ROWS if look_up is None else _LOOKED_UP_ROWS
        rows = self._database.read(lambda db: fetched(db, statement, wanted))
        return [(str(name), _value(entity, text)) for name, text in rows]


def _make(db: apsw.Connection, change: Change[Any]) -> None:
    entity, value = change.entity, change.value
    at = _at(entity, entity.place(value))
    if change.verb is Verb.ADD:
        if fetched(db, _GET, at):
            raise entity.taken()
        fetched(db, _ADD, (render_value(value), *at))
        if entity.word in REMEMBERED:
            fetched(db, _OWNED, (entity.word, entity.place(value).owner.id))
    else:
        if change.before is not None and _one(db, entity, _GET, at) != change.before:
            raise Outdated(OUTDATED)
        fetched(db, _FORGET, at)
        statement = _REMOVE if change.verb is Verb.REMOVE else _CHANGE
        row = at if change.verb is Verb.REMOVE else (render_value(value), *at)
        fetched(db, statement, row)
        if not db.changes():
            raise entity.missing()
    if change.verb is not Verb.REMOVE:
        _look_up(db, entity, value, at)


def _look_up(
    db: apsw.Connection, entity: Entity[Any], value: Any, at: tuple[str, str, str, str]
) -> None:
    for look_up in entity.look_ups:
        place = look_up.place(value)
        if place is None:
            continue
        wanted = (entity.word, look_up.code, place.owner.code, place.owner.id, place.name)
        try:
            fetched(db, _LOOK_UP, (*wanted, *at[1:]))
        except apsw.ConstraintError as taken:
            raise entity.taken() from taken


def _at(entity: Entity[Any], place: Place) -> tuple[str, str, str, str]:
    return entity.word, place.owner.code, place.owner.id, place.name


def _one(db: apsw.Connection, entity: Entity[T], statement: str, wanted: tuple[str, ...]) -> T:
    for (text,) in fetched(db, statement, wanted):
        return _value(entity, text)
    raise entity.missing()


def _some(rows: dict[Place, list[Any]]) -> dict[Place, list[Any]]:
    return {place: found for place, found in rows.items() if found}


def _value(entity: Entity[T], text: Any) -> T:
    return parse_value(entity.kind, text)
