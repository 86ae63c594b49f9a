"""The configuration as people change it: nouns that are declared once (`chalicelib.domain.tenancy.entity`), one port.

Whatever changes the configuration passes through `Repository.change`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from chalicelib.domain.paging import EVERYTHING, Filter, Page
from chalicelib.domain.tenancy.entity import Entity, LookUp, Owner, Place

if TYPE_CHECKING:
    from chalicelib.domain.tenancy.change import Change

T = TypeVar("T")
Guard = Callable[[], Awaitable[None]]
"""Raises when a change must not be made. It is asked again whenever another audited change of the same organization
came between, so what it read still holds when the change is stored; across organizations nothing is promised."""


class Repository(Protocol):
    """Always fresh. Places are unique (Conflict), what is not there is NotFound, both with the entity's word. With
    `fresh` False an answer may miss the changes of the last second, at half the price."""

    async def get(self, entity: Entity[T], place: Place, *, fresh: bool = True) -> T:
        """The value at this place; NotFound."""

    async def get_many(
        self, entity: Entity[T], places: Sequence[Place], *, fresh: bool = True
    ) -> dict[Place, T]:
        """The values at those of the places that have one."""

    async def find(
        self, entity: Entity[T], look_up: LookUp[T], place: Place, *, fresh: bool = True
    ) -> T:
        """The value by another of its places; NotFound."""

    async def all(
        self,
        entity: Entity[T],
        owner: Owner,
        look_up: LookUp[T] | None = None,
        *,
        fresh: bool = True,
    ) -> list[T]:
        """All that an owner has of a kind, by name; those of a look-up's owner when one is given."""

    async def page(
        self,
        entity: Entity[T],
        owner: Owner,
        limit: int,
        cursor: str | None = None,
        wanted: Filter = EVERYTHING,
    ) -> Page[T]:
        """At most `limit` (1 to 100) of what `all` lists, and of that what is wanted. Rejected unless the cursor is one
        of this list with this filter. What is added or removed meanwhile may be missed; nothing comes twice."""

    async def owners(self, entity: Entity[Any]) -> list[str]:
        """The ids of the owners that ever had one, sorted, for entities that remember them."""

    async def change(self, *changes: Change[Any], guard: Guard | None = None) -> None:
        """Make all of the changes or none, with their look-ups. Conflict, NotFound, and what the guard raises;
        TemporaryFailure when another change of the same values came between."""

    async def modify(
        self, entity: Entity[T], place: Place, how: Callable[[T], T], guard: Guard | None = None
    ) -> T:
        """The value at a place as `how` changes it, which is asked again when another change came between; what it
        leaves alone is not written. NotFound, and Contended when that goes on."""

    async def add(self, entity: Entity[T], value: T, guard: Guard | None = None) -> None:
        """Conflict when one of its places is taken, and what the guard raises."""

    async def replace(self, entity: Entity[T], value: T) -> None:
        """Put the value where one of its place is; NotFound, and Conflict when a look-up moves to a taken place."""

    async def remove(self, entity: Entity[T], value: T) -> None:
        """Remove the value of this place; NotFound."""

    async def note(self, entity: Entity[T], value: T, **fields: Any) -> None:
        """Set these fields, none of them to None, of what is at the value's place, and leave its other fields as they
        are there; copies at look-ups stay as they are. What is gone stays gone."""

    async def next_number(self, kind: str) -> int:
        """A fresh number of a kind, from 1; the installation never has it again."""

    def watch(self, changed: Callable[[], None]) -> None:
        """Have `changed` called after each change, note and number of this process, also one that failed."""
