"""What the repository of every family does in the same way: audit entries, lists, pages, telling who watches.

A family reads rows by name, makes changes, and knows its values by their places. With a filter a page looks at a
bounded number of rows, however few of them are wanted.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from chalicelib.adapters.storage.cursors import parse_name_cursor, render_name_cursor
from chalicelib.domain.errors import Contended, Outdated
from chalicelib.domain.paging import EVERYTHING, MOST_LISTED, Filter, Page, check_page, matches
from chalicelib.domain.tenancy.change import Change, Verb
from chalicelib.domain.tenancy.entity import Entity, LookUp, Owner, Place
from chalicelib.ports.acting import who_acts
from chalicelib.ports.clock import Clock
from chalicelib.ports.repository import Guard, Repository

T = TypeVar("T")
Rows = Sequence[tuple[str, T | None]]
"""Rows of a list, by name; None for a value that was removed meanwhile."""

MOST_EXAMINED = 1_000
MOST_TRIES = 40


class RowRepository(Repository):
    """A repository that reads its lists as rows."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._watching: list[Callable[[], None]] = []

    async def change(self, *changes: Change[Any], guard: Guard | None = None) -> None:
        """With their entries in the audit log, unless what is stored is only copied."""
        who = who_acts()
        if who is None or not any(one.entity.audited for one in changes):
            if guard is not None:
                await guard()
            await self._change(*changes)
            return
        # Loaded when something is changed, which most processes never do.
        from chalicelib.adapters.storage.auditing import Auditing

        await Auditing(self, self._change, self._clock).change(who, changes, guard)

    @abstractmethod
    async def _change(self, *changes: Change[Any]) -> None:
        """All of the changes or none, with their look-ups."""

    async def modify(
        self, entity: Entity[T], place: Place, how: Callable[[T], T], guard: Guard | None = None
    ) -> T:
        """Read, change, and write if what was read is still there."""
        for _ in range(MOST_TRIES):
            before = await self.get(entity, place)
            after = how(before)
            if after == before:
                return before
            with suppress(Outdated):
                await self.change(Change(Verb.REPLACE, entity, after, before), guard=guard)
                return after
        raise Contended("Too many changes at a time; try again")

    async def add(self, entity: Entity[T], value: T, guard: Guard | None = None) -> None:
        """One change."""
        await self.change(Change(Verb.ADD, entity, value), guard=guard)

    async def replace(self, entity: Entity[T], value: T) -> None:
        """One change."""
        await self.change(Change(Verb.REPLACE, entity, value))

    async def remove(self, entity: Entity[T], value: T) -> None:
        """One change."""
        await self.change(Change(Verb.REMOVE, entity, value))

    async def all(
        self,
        entity: Entity[T],
        owner: Owner,
        look_up: LookUp[T] | None = None,
        *,
        fresh: bool = True,
    ) -> list[T]:
        """Every row that has a value."""
        rows = await self._rows(entity, look_up or entity.listed, owner, fresh=fresh)
        return [value for _, value in rows if value is not None]

    async def page(
        self,
        entity: Entity[T],
        owner: Owner,
        limit: int,
        cursor: str | None = None,
        wanted: Filter = EVERYTHING,
    ) -> Page[T]:
        """As many rows as it takes, from the cursor on."""
        check_page(entity, limit, wanted)
        listing = _listing(entity, owner, wanted)
        after = None if cursor is None else parse_name_cursor(listing, cursor)
        at_once = limit + 1 if wanted.is_empty else MOST_LISTED
        found: list[T] = []
        for _ in range(MOST_EXAMINED // at_once):
            rows = await self._rows(entity, entity.listed, owner, after, at_once)
            for name, value in rows:
                if len(found) == limit:
                    return Page(tuple(found), render_name_cursor(listing, after or ""))
                after = name
                if value is not None and matches(entity, value, wanted):
                    found.append(value)
            if len(rows) < at_once:
                return Page(tuple(found))
        return Page(tuple(found), render_name_cursor(listing, after or ""))

    def watch(self, changed: Callable[[], None]) -> None:
        """Call `changed` after each write."""
        self._watching.append(changed)

    @abstractmethod
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
        """The rows of an owner that follow a name, by the names of the look-up or else of the places; at most `limit`,
        and fewer only at the end of the list."""

    def _tell(self) -> None:
        for changed in self._watching:
            changed()


def _listing(entity: Entity[T], owner: Owner, wanted: Filter) -> str:
    equal = sorted((name, str(value)) for name, value in wanted.equal.items())
    return repr((entity.word, owner.code, owner.id, equal, wanted.text))
