"""Searches of a server's mail that somebody saved, for themselves or for all who read it."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.domain.numbering import ServerId
from chalicelib.domain.people.owners import of_user
from chalicelib.domain.tenancy.entity import Entity, LookUp, Place
from chalicelib.domain.tenancy.owners import of_server

MOST_SEARCHES = 100  # of a user


@dataclass(frozen=True, slots=True)
class SavedSearch:
    """Text of a search under a name. `maker` is the id of whoever saved it, `created_by` what they were called.
    `direction`: `incoming`, `outgoing`, or empty for both."""

    server_id: ServerId
    id: str
    name: str
    q: str
    maker: str
    created_by: str
    created_at: int
    direction: str = ""
    shared: bool = False


def _of_maker(search: SavedSearch) -> Place:
    return Place(of_user(search.maker), f"{search.server_id} {search.id}")


SEARCHES_OF: LookUp[SavedSearch] = LookUp("SS", _of_maker)
SEARCHES = Entity(
    SavedSearch,
    "search",
    place=lambda one: Place(of_server(one.server_id), one.id),
    code="SS",
    look_ups=(SEARCHES_OF,),
    audited="search",
)
