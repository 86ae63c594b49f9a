"""The configuration kept in the process: each kind of noun by its place. Reads are always fresh here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar

from chalicelib.adapters.storage.repository import RowRepository, Rows
from chalicelib.domain.errors import Outdated
from chalicelib.domain.tenancy.change import OUTDATED, Change, Verb
from chalicelib.domain.tenancy.entity import Entity, LookUp, Owner, Place
from chalicelib.ports.clock import Clock

T = TypeVar("T")
Values = dict[Entity[Any], dict[Place, Any]]


class MemoryRepository(RowRepository):
    """The `Repository` port in memory."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self._values: Values = {}
        self._owners: dict[Entity[Any], set[str]] = {}
        self._numbers: dict[str, int] = {}

    async def get(self, entity: Entity[T], place: Place, *, fresh: bool = True) -> T:
        """By its place; NotFound."""
        return _known(entity, self._of(entity).get(place))

    async def get_many(
        self, entity: Entity[T], places: Sequence[Place], *, fresh: bool = True
    ) -> dict[Place, T]:
        """Those that exist."""
        kept = self._of(entity)
        return {place: kept[place] for place in places if place in kept}

    async def find(
        self, entity: Entity[T], look_up: LookUp[T], place: Place, *, fresh: bool = True
    ) -> T:
        """By a look-up's place; NotFound."""
        values = self._of(entity).values()
        return _known(entity, next((one for one in values if look_up.place(one) == place), None))

    async def owners(self, entity: Entity[Any]) -> list[str]:
        """Those that ever had one."""
        return sorted(self._owners.get(entity, ()))

    async def _change(self, *changes: Change[Any]) -> None:
        """On a copy, which counts once all went well."""
        changed = {entity: dict(kept) for entity, kept in self._values.items()}
        try:
            for change in changes:
                _apply(changed, change)
        finally:
            self._tell()
        self._values = changed
        for change in changes:
            if change.verb is Verb.ADD:
                owner = change.entity.place(change.value).owner
                self._owners.setdefault(change.entity, set()).add(owner.id)

    async def note(self, entity: Entity[T], value: T, **fields: Any) -> None:
        """In the one copy there is."""
        kept, place = self._of(entity), entity.place(value)
        if place in kept:
            known: Any = kept[place]
            kept[place] = replace(known, **fields)
        self._tell()

    async def next_number(self, kind: str) -> int:
        """One more than the last."""
        self._numbers[kind] = self._numbers.get(kind, 0) + 1
        return self._numbers[kind]

    def _of(self, entity: Entity[T]) -> dict[Place, T]:
        return self._values.setdefault(entity, {})

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
        place_of = entity.place if look_up is None else look_up.place
        placed = [(place_of(value), value) for value in self._of(entity).values()]
        rows = [(place.name, one) for place, one in placed if place and place.owner == owner]
        return [row for row in sorted(rows, key=_name) if after is None or row[0] > after][:limit]


def _apply(values: Values, change: Change[Any]) -> None:
    entity, value = change.entity, change.value
    kept, place = values.setdefault(entity, {}), entity.place(value)
    known = kept.pop(place, None)
    if change.verb is Verb.ADD:
        if known is not None:
            raise entity.taken()
    elif _known(entity, known) != (change.before or known):
        raise Outdated(OUTDATED)
    if change.verb is Verb.REMOVE:
        return
    for look_up in entity.look_ups:
        wanted = look_up.place(value)
        if wanted is not None and any(look_up.place(one) == wanted for one in kept.values()):
            raise entity.taken()
    kept[place] = value


def _known(entity: Entity[T], value: T | None) -> T:
    if value is None:
        raise entity.missing()
    return value


def _name(row: tuple[str, Any]) -> str:
    return row[0]
