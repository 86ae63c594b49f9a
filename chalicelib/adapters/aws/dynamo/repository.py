"""The configuration in the control table: names kept unique by conditional writes, changes made in one transaction.

What one item holds is changed by one conditional write; all else, look-ups among it, by one transaction of all items.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from chalicelib.adapters.aws.dynamo.control_keys import NUMBERS, key_at, partition_of, prefix_of
from chalicelib.adapters.aws.dynamo.table import Item, Key, Table, key_of
from chalicelib.adapters.aws.dynamo.values import parse_value, render_field, render_value
from chalicelib.adapters.aws.session import AwsSession
from chalicelib.adapters.storage.repository import RowRepository, Rows
from chalicelib.config import Settings
from chalicelib.domain.errors import MailError, Outdated
from chalicelib.domain.tenancy.change import OUTDATED, Change, Verb
from chalicelib.domain.tenancy.entity import Entity, LookUp, Owner, Place
from chalicelib.ports.clock import Clock

T = TypeVar("T")

_NEW = "attribute_not_exists(PK)"
_KNOWN = "attribute_exists(PK)"
_LONGEST_NUMBER = 20


@dataclass(frozen=True, slots=True)
class _Write:
    """One item to put, or (None) to delete; what is raised when its condition does not hold."""

    key: Key
    item: Item | None
    condition: str
    refused: MailError
    values: Item | None = None

    def action(self) -> dict[str, Any]:
        """As transactions take it."""
        if self.item is None:
            return {"Delete": {"Key": key_of(*self.key), "ConditionExpression": self.condition}}
        put = {"Item": key_of(*self.key) | self.item, "ConditionExpression": self.condition}
        return {"Put": put | ({"ExpressionAttributeValues": self.values} if self.values else {})}


class DynamoRepository(RowRepository):
    """The `Repository` port over the control table."""

    def __init__(self, session: AwsSession, settings: Settings, clock: Clock) -> None:
        super().__init__(clock)
        self._table = Table(session, settings.control_table)
        self._table.written = self._tell

    async def get(self, entity: Entity[T], place: Place, *, fresh: bool = True) -> T:
        """One GetItem."""
        item = await self._table.get(*key_at(entity.code, place), consistent=fresh)
        return _value(entity, item)

    async def get_many(
        self, entity: Entity[T], places: Sequence[Place], *, fresh: bool = True
    ) -> dict[Place, T]:
        """One BatchGetItem a hundred places."""
        keys = {place: key_at(entity.code, place) for place in places}
        items = await self._table.get_many(list(keys.values()), consistent=fresh)
        return {place: _value(entity, items[key]) for place, key in keys.items() if key in items}

    async def find(
        self, entity: Entity[T], look_up: LookUp[T], place: Place, *, fresh: bool = True
    ) -> T:
        """One GetItem, or two where the look-up points to the value."""
        item = await self._table.get(*key_at(look_up.code, place), consistent=fresh)
        if item is None or not look_up.points_to:
            return _value(entity, item)
        return await self.get(entity, _pointed(look_up, item), fresh=fresh)

    async def owners(self, entity: Entity[Any]) -> list[str]:
        """One query."""
        items = await self._table.query(("PK", entity.owners), consistent=True)
        return [str(item["SK"]["S"]) for item in items]

    async def _change(self, *changes: Change[Any]) -> None:
        """One conditional write, or one transaction when there are several items; what has look-ups is read first."""
        writes: list[_Write] = []
        for change in changes:
            await self._remember_owner(change)
            if change.before is None:
                writes += _writes(change, await self._before(change))
            else:
                writes += await self._conditional(change)
        failed = await self._write(writes)
        if failed is not None:
            raise failed.refused

    async def note(self, entity: Entity[T], value: T, **fields: Any) -> None:
        """One update, of the item at the value's own place."""
        names = {f"#{name}": name for name in fields}
        values = {f":{name}": render_field(one) for name, one in fields.items()}
        expression = "SET " + ", ".join(f"v.#{name} = :{name}" for name in fields)
        key = key_at(entity.code, entity.place(value))
        await self._table.update(key, expression, values, _KNOWN, names=names)

    async def next_number(self, kind: str) -> int:
        """One update."""
        one: Item = {":one": {"N": "1"}}
        written = await self._table.update(
            (NUMBERS, kind), "ADD n :one", one, returning="UPDATED_NEW"
        )
        return int(written.item["n"]["N"])

    async def _remember_owner(self, change: Change[Any]) -> None:
        """Apart and first: one that is known and has none does no harm, and in a transaction neighbours would meet."""
        entity = change.entity
        if entity.owners and change.verb is Verb.ADD:
            await self._table.put(key_of(entity.owners, entity.place(change.value).owner.id))

    async def _conditional(self, change: Change[Any]) -> list[_Write]:
        """The writes of a change that needs what it was made from, compared as values and held as it is stored."""
        entity = change.entity
        key = key_at(entity.code, entity.place(change.value))
        item = await self._table.get(*key, consistent=True)
        if _value(entity, item) != change.before or item is None:
            raise Outdated(OUTDATED)
        first, *others = _writes(change, change.before)
        stored: Item = {":stored": item["v"]}
        held = replace(first, condition="v = :stored", values=stored, refused=Outdated(OUTDATED))
        return [held, *others]

    async def _before(self, change: Change[T]) -> T | None:
        """The value whose places a change leaves: as stored where look-ups may differ from those of the new value."""
        if change.verb is Verb.ADD:
            return None
        if not change.entity.look_ups:
            return change.value
        return await self.get(change.entity, change.entity.place(change.value))

    async def _write(self, writes: list[_Write]) -> _Write | None:
        """The write whose condition did not hold, if any; then nothing was written."""
        if len(writes) > 1:
            index = await self._table.transact(*(one.action() for one in writes))
            return None if index is None else writes[index]
        (one,) = writes
        if one.item is None:
            done = await self._table.delete(one.key, one.condition)
        else:
            done = await self._table.put(key_of(*one.key) | one.item, one.condition, one.values)
        return None if done.held else one

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
        """One query, and a BatchGetItem a hundred values where the look-up points to them."""
        code = entity.code if look_up is None else look_up.code
        prefix = prefix_of(code)
        items = await self._table.query(
            ("PK", partition_of(owner)),
            limit=limit,
            sort="begins_with(SK, :prefix)" if prefix else None,
            values={":prefix": {"S": prefix}} if prefix else None,
            consistent=fresh,
            after=None if after is None else key_at(code, Place(owner, after)),
        )
        names = [str(item["SK"]["S"]).removeprefix(prefix) for item in items]
        if look_up is None or not look_up.points_to:
            return [(name, _value(entity, item)) for name, item in zip(names, items, strict=True)]
        places = [_pointed(look_up, item) for item in items]
        found = await self.get_many(entity, places, fresh=fresh)
        return [(name, found.get(place)) for name, place in zip(names, places, strict=True)]


def _writes(change: Change[Any], before: Any) -> Iterator[_Write]:
    """The value at its place, and its look-ups."""
    entity, value = change.entity, change.value
    after = None if change.verb is Verb.REMOVE else value
    key = key_at(entity.code, entity.place(value))
    if before is None:
        yield _Write(key, _copy(value), _NEW, entity.taken())
    else:
        item = None if after is None else _copy(after)
        yield _Write(key, item, _KNOWN, entity.missing())
    for look_up in entity.look_ups:
        yield from _look_up_writes(entity, look_up, before, after)


def _look_up_writes(
    entity: Entity[Any], look_up: LookUp[Any], before: Any, after: Any
) -> Iterator[_Write]:
    old = None if before is None else look_up.place(before)
    new = None if after is None else look_up.place(after)
    if new is not None and new == old:
        if not look_up.points_to:
            yield _Write(key_at(look_up.code, new), _copy(after), _KNOWN, entity.missing())
        return
    if old is not None:
        yield _Write(key_at(look_up.code, old), None, _KNOWN, entity.missing())
    if new is not None:
        item = _pointer(entity.place(after).owner) if look_up.points_to else _copy(after)
        yield _Write(key_at(look_up.code, new), item, _NEW, entity.taken())


def _copy(value: Any) -> Item:
    return {"v": render_value(value)}


def _value(entity: Entity[T], item: Item | None) -> T:
    if item is None:
        raise entity.missing()
    return parse_value(entity.kind, item["v"])


def _pointer(owner: Owner) -> Item:
    """Numbers are kept as such, any other id as text."""
    return {"n": {"N" if _is_number(owner.id) else "S": owner.id}}


def _is_number(text: str) -> bool:
    """Whether a text is a number that DynamoDB gives back as it was."""
    return text.isdecimal() and len(text) < _LONGEST_NUMBER and str(int(text)) == text


def _pointed(look_up: LookUp[Any], item: Item) -> Place:
    (owner,) = item["n"].values()
    return Place(Owner(look_up.points_to, str(owner)))
