"""Searches that somebody saved: their own, and those that are shared with all who read the server's mail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from chalicelib.domain.errors import TooMany
from chalicelib.domain.ids import random_letters
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.people.owners import of_user
from chalicelib.domain.people.searches import MOST_SEARCHES, SEARCHES, SEARCHES_OF, SavedSearch
from chalicelib.domain.tenancy.entity import Place
from chalicelib.domain.tenancy.owners import of_server
from chalicelib.ports.clock import Clock
from chalicelib.ports.rand import Rand
from chalicelib.ports.repository import Repository
from chalicelib.services.tenancy.caller import Caller

ID_LETTERS = 12


class SavedSearches:
    """Keeps them."""

    def __init__(self, repository: Repository, clock: Clock, rand: Rand) -> None:
        self._repository = repository
        self._clock = clock
        self._rand = rand

    async def of(self, server: ServerId, caller: Caller) -> Sequence[SavedSearch]:
        """Those of a server that are the caller's or shared, the newest first. Of keys only shared ones."""
        found = await self._repository.all(SEARCHES, of_server(server))
        seen = (one for one in found if _is_seen(one, caller))
        return sorted(seen, key=lambda one: (one.created_at, one.id), reverse=True)

    async def get(self, server: ServerId, search: str, caller: Caller) -> SavedSearch:
        """One that the caller sees; NotFound."""
        found = await self._repository.get(SEARCHES, Place(of_server(server), search))
        if not _is_seen(found, caller):
            raise SEARCHES.missing()
        return found

    async def create(
        self, server: ServerId, caller: Caller, name: str, q: str, direction: str, *, shared: bool
    ) -> SavedSearch:
        """A new one. TooMany beyond MOST_SEARCHES of one person."""
        maker = caller.key.id
        made = SavedSearch(
            server_id=server,
            id=random_letters(self._rand.bytes(32), ID_LETTERS),
            name=name,
            q=q,
            maker=maker,
            created_by=caller.key.name,
            created_at=int(self._clock.now()),
            direction=direction,
            shared=shared,
        )

        async def has_room() -> None:
            if (
                len(await self._repository.all(SEARCHES, of_user(maker), SEARCHES_OF))
                >= MOST_SEARCHES
            ):
                raise TooMany(f"Nobody has more than {MOST_SEARCHES} saved searches")

        await self._repository.add(SEARCHES, made, has_room)
        return made

    async def change(self, search: SavedSearch, **changes: Any) -> SavedSearch:
        """Change name, q, direction or shared."""
        place = SEARCHES.place(search)
        return await self._repository.modify(SEARCHES, place, lambda one: replace(one, **changes))

    async def remove(self, search: SavedSearch) -> None:
        """Remove it; NotFound."""
        await self._repository.remove(SEARCHES, search)


def _is_seen(search: SavedSearch, caller: Caller) -> bool:
    own = caller.person is not None and search.maker == caller.key.id
    return search.shared or own
